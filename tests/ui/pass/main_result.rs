//! `main` with a result.

#[multicore::main]
fn main() -> multicore::Result<()> {
    multicore::tasks()?;
    Ok(())
}
