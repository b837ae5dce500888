//! What a linker is told of a module that Python loads: on macOS, that Python's symbols come with whoever loads it.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
