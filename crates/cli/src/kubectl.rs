//! The portolan command, as kubectl finds it.

fn main() -> std::process::ExitCode {
    portolan_cli::main()
}
