//! Runs intake.

fn main() -> std::process::ExitCode {
    liuyan_kit::main::<liuyan_intake::Intake>()
}
