//! Tells the linker that Node's own functions are found in the process that loads the module.

fn main() -> std::io::Result<()> {
    napi_build::setup();
    match std::env::var_os("NAPI_TYPE_DEF_TMP_FOLDER") {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    }
}
