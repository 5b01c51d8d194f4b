//! Kernel calls; knows no slot.
