//! The portolan command.

fn main() -> std::process::ExitCode {
    portolan_cli::main()
}
