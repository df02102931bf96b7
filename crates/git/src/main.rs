//! The git worker alone, for tests.

fn main() -> std::io::Result<()> {
    portolan_git::worker::run_if_worker();
    portolan_git::worker::serve(std::io::stdin(), std::io::stdout())
}
