//! Tells sqlx's macros where this dialect's offline data is. Only migrations are watched: the macros themselves write the queries' directory.
fn main() {
    println!("cargo:rerun-if-changed=../../sqlx-data/postgres/migrations");
    println!("cargo:rustc-env=SQLX_OFFLINE_DIR={}/../../sqlx-data/postgres/queries", env!("CARGO_MANIFEST_DIR"));
}
