//! The web application as its visitors, and whoever runs it, see it: each test starts it as a process of its own.

mod begin;
mod end;
mod health;
mod limit;
mod pages;
mod postgres;
mod reports;
mod server;
mod uploads;
