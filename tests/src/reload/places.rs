//! Ways of putting a file in place, and of taking it away.

use super::{Folder, audited, dealt_with, digest, mended, plugin, pushes, serves, trouble, variant, watched};
use crate::harness::guests;
use http::StatusCode;
use serde_json::json;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::Duration;
use tokio::time::Instant;

const FILE: &str = "unruly.wasm";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_appears_serves_and_the_audit_says_where_it_comes_from() {
    let folder = Folder::new();
    let gateway = folder.watched().await;
    assert!(plugin(&gateway, "unruly").await.is_null());
    folder.write(FILE, guests::unruly());
    serves(&gateway, "unruly", guests::unruly()).await;
    let expected = format!("digest={} from=directory file={FILE}", digest(guests::unruly()));
    assert_eq!(audited(&gateway, "plugin.pushed", "unruly").await, [("system".to_owned(), expected)]);
    assert_eq!(pushes(&gateway, "ok").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_comes_in_pieces_is_read_once_it_is_whole() {
    let folder = Folder::new();
    let gateway = folder.watched().await;
    // On a machine that stalls, a piece may come so late that half a file looks finished. That proves nothing: once more.
    for attempt in 0..10 {
        let component = variant(guests::unruly(), &format!("in pieces {attempt}"));
        let slowest = write_slowly(&folder, &component).await;
        serves(&gateway, "unruly", &component).await;
        mended(&gateway, "unruly").await;
        if slowest < Duration::from_millis(200) {
            assert!(audited(&gateway, "plugin.push_failed", "unruly").await.len() <= attempt, "half a file was pushed");
            return;
        }
    }
    panic!("this machine is too busy for this test");
}

/// Writes a file in pieces for three seconds, which is longer than the watch waits for silence, and tells the longest time between two pieces.
async fn write_slowly(folder: &Folder, component: &[u8]) -> Duration {
    let mut file = File::create(folder.file(FILE)).unwrap();
    let mut slowest = Duration::ZERO;
    let mut last = Instant::now();
    for piece in component.chunks(component.len().div_ceil(60)) {
        file.write_all(piece).unwrap();
        slowest = slowest.max(last.elapsed());
        last = Instant::now();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    slowest
}

#[tokio::test(flavor = "multi_thread")]
async fn editors_may_dance() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let gateway = folder.watched().await;
    serves(&gateway, "unruly", guests::unruly()).await;

    // Written beside it, and renamed over it.
    let second = variant(guests::unruly(), "second");
    folder.write(".unruly.wasm.tmp", &second);
    fs::rename(folder.file(".unruly.wasm.tmp"), folder.file(FILE)).unwrap();
    serves(&gateway, "unruly", &second).await;

    // Written beside it, the old one removed, and then renamed.
    let third = variant(guests::unruly(), "third");
    folder.write("unruly.wasm~", &third);
    fs::remove_file(folder.file(FILE)).unwrap();
    fs::rename(folder.file("unruly.wasm~"), folder.file(FILE)).unwrap();
    serves(&gateway, "unruly", &third).await;

    // The old one kept as a backup, and written anew in its place.
    let fourth = variant(guests::unruly(), "fourth");
    fs::rename(folder.file(FILE), folder.file("unruly.wasm.bak")).unwrap();
    folder.write(FILE, &fourth);
    serves(&gateway, "unruly", &fourth).await;
    assert_eq!(audited(&gateway, "plugin.pushed", "unruly").await.len(), 4);
    assert_eq!(audited(&gateway, "plugin.push_failed", "unruly").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubernetes_volume_swaps_its_links() {
    let folder = Folder::new();
    let generation = |name: &str, component: &[u8]| {
        fs::create_dir(folder.file(name)).unwrap();
        fs::write(folder.file(name).join(FILE), component).unwrap();
        symlink(name, folder.file("..data_tmp")).unwrap();
        fs::rename(folder.file("..data_tmp"), folder.file("..data")).unwrap();
    };
    generation("..2026_01", guests::unruly());
    symlink(format!("..data/{FILE}"), folder.file(FILE)).unwrap();
    let gateway = folder.watched().await;
    serves(&gateway, "unruly", guests::unruly()).await;
    for nth in 2..4 {
        let next = variant(guests::unruly(), &format!("generation {nth}"));
        generation(&format!("..2026_0{nth}"), &next);
        fs::remove_dir_all(folder.file(&format!("..2026_0{}", nth - 1))).unwrap();
        serves(&gateway, "unruly", &next).await;
    }
    assert_eq!(audited(&gateway, "plugin.push_failed", "unruly").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watched_path_may_be_a_link_that_is_swapped() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let link = folder.beside("current");
    symlink("plugins", &link).unwrap();
    let gateway = watched(&link).await;
    serves(&gateway, "unruly", guests::unruly()).await;

    let second = variant(guests::unruly(), "second");
    fs::create_dir(folder.beside("next")).unwrap();
    fs::write(folder.beside("next").join(FILE), &second).unwrap();
    symlink("next", folder.beside("swap")).unwrap();
    fs::rename(folder.beside("swap"), &link).unwrap();
    serves(&gateway, "unruly", &second).await;

    // And it is the directory behind the new link that is watched.
    let third = variant(guests::unruly(), "third");
    fs::write(folder.beside("next").join(FILE), &third).unwrap();
    serves(&gateway, "unruly", &third).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_leads_to_may_change_outside_of_the_directory() {
    let folder = Folder::new();
    let outside = folder.beside("outside");
    fs::write(&outside, guests::unruly()).unwrap();
    symlink(&outside, folder.file(FILE)).unwrap();
    let gateway = folder.watched().await;
    serves(&gateway, "unruly", guests::unruly()).await;
    let second = variant(guests::unruly(), "second");
    fs::write(&outside, &second).unwrap();
    serves(&gateway, "unruly", &second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_may_come_later_go_and_come_back() {
    let folder = Folder::new();
    fs::remove_dir(folder.path()).unwrap();
    let gateway = folder.watched().await;
    let told = trouble(&gateway, "plugins.directory", "directory_missing").await;
    assert!(told["detail"].as_str().unwrap().contains("make it"), "{told}");

    fs::create_dir(folder.path()).unwrap();
    folder.write(FILE, guests::unruly());
    serves(&gateway, "unruly", guests::unruly()).await;
    mended(&gateway, "plugins.directory").await;

    fs::remove_dir_all(folder.path()).unwrap();
    trouble(&gateway, "plugins.directory", "directory_missing").await;
    serves(&gateway, "unruly", guests::unruly()).await;

    let second = variant(guests::unruly(), "second");
    fs::create_dir(folder.path()).unwrap();
    folder.write(FILE, &second);
    serves(&gateway, "unruly", &second).await;
    mended(&gateway, "plugins.directory").await;
    assert_eq!(audited(&gateway, "plugin.pushed", "unruly").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_removed_and_made_anew_in_one_breath_is_watched_on() {
    let folder = Folder::new();
    let gateway = folder.watched().await;
    for nth in 0..3 {
        let component = variant(guests::unruly(), &format!("breath {nth}"));
        fs::remove_dir_all(folder.path()).unwrap();
        fs::create_dir(folder.path()).unwrap();
        folder.write(FILE, &component);
        serves(&gateway, "unruly", &component).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_file_is_deleted_goes_on_serving() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let gateway = folder.watched().await;
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "unruly" })).await;
    fs::remove_file(folder.file(FILE)).unwrap();
    dealt_with(&gateway, &folder).await;
    serves(&gateway, "unruly", guests::unruly()).await;
    let answer = gateway.public.send(http::Method::POST, "/webhooks/open/fine", &[], b"x".to_vec()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert!(plugin(&gateway, "unruly").await["trouble"].is_null());
    // The same content comes back: nothing happens.
    folder.write(FILE, guests::unruly());
    folder.write("zz-last.wasm", &variant(guests::unruly(), "later"));
    serves(&gateway, "zz-last", &variant(guests::unruly(), "later")).await;
    assert_eq!(audited(&gateway, "plugin.pushed", "unruly").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rapid_rewrites_the_last_one_serves() {
    let folder = Folder::new();
    let gateway = folder.watched().await;
    let rewrites: Vec<_> = (0..50).map(|nth| variant(guests::unruly(), &format!("rewrite {nth}"))).collect();
    for component in &rewrites {
        folder.write(FILE, component);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    serves(&gateway, "unruly", rewrites.last().unwrap()).await;
    dealt_with(&gateway, &folder).await;
    serves(&gateway, "unruly", rewrites.last().unwrap()).await;
    assert!(plugin(&gateway, "unruly").await["trouble"].is_null());
    assert!(pushes(&gateway, "ok").await < 50, "a version was made of every rewrite");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_events_hides_nothing() {
    let folder = Folder::new();
    let gateway = folder.watched().await;
    let (place, component) = (folder.path(), guests::unruly());
    // Far more than the kernel queues, if they come faster than they are heard.
    let storm = move || {
        for nth in 0..20_000 {
            let path = place.join(format!("{nth}.tmp"));
            File::create(&path).unwrap();
            fs::remove_file(path).unwrap();
            if nth == 10_000 {
                fs::write(place.join(FILE), component).unwrap();
            }
        }
    };
    tokio::task::spawn_blocking(storm).await.unwrap();
    serves(&gateway, "unruly", component).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_only_read_will_do() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    fs::set_permissions(folder.file(FILE), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let gateway = folder.watched().await;
    serves(&gateway, "unruly", guests::unruly()).await;
    assert!(plugin(&gateway, "plugins.directory").await.is_null());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
