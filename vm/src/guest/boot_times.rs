//! How long the last boot of each image took on this host: what the next plan reckons with.

use super::image::{Cache, Stamp};
use super::spec::GuestSpec;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const FILE: &str = "boot-times.json";

/// The last boot of an image in a way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Took {
    of: Boot,
    /// The image as it was then.
    stamp: Option<Stamp>,
    seconds: f64,
}

/// What boots have in common that take about as long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Boot {
    image: PathBuf,
    accel: String,
    cloud_init: bool,
    /// Its disk had been booted before.
    later: bool,
}

impl Boot {
    fn of(guest: &GuestSpec, later: bool) -> Option<Boot> {
        let own = guest.own()?;
        let (image, _) = own.chain.image();
        let accel = guest.hardware.accel.to_string();
        Some(Boot { image: image.to_owned(), accel, cloud_init: own.cloud_init.is_some(), later })
    }
}

/// A missing or damaged file tells nothing, and no more is lost than a better guess.
fn read(cache: &Cache) -> Vec<Took> {
    let text = edge::read(cache.root().join(FILE), edge::read::RECORD).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// The seconds from QEMU's start to READY of the last boot of a guest's image on this host, executed in the same way: the first
/// boot of a disk, or a later one. `None` for the built-in guest, and where none is known of the image as it is now.
pub fn boot_took(cache: &Cache, guest: &GuestSpec, later: bool) -> Option<f64> {
    let boot = Boot::of(guest, later)?;
    let stamp = Stamp::of(&boot.image);
    let took = read(cache).into_iter().find(|took| took.of == boot && took.stamp == stamp)?;
    (took.seconds.is_finite() && took.seconds >= 0.0).then_some(took.seconds)
}

/// Keeps how long a boot took, in seconds. What is known of images that have changed since is forgotten.
///
/// # Errors
/// The cache cannot be written.
pub fn keep_boot_time(cache: &Cache, guest: &GuestSpec, later: bool, seconds: f64) -> std::io::Result<()> {
    let Some(of) = Boot::of(guest, later) else { return Ok(()) };
    let mut all = read(cache);
    all.retain(|took| took.of != of && took.stamp == Stamp::of(&took.of.image));
    let stamp = Stamp::of(&of.image);
    all.push(Took { of, stamp, seconds });
    let text = serde_json::to_vec(&all).map_err(std::io::Error::other)?;
    edge::write::write_atomically(cache.root().join(FILE), &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::backing::{Chain, Format};
    use crate::guest::definition::Definition;
    use crate::guest::spec::Source;
    use model::Accel;
    use std::fs;

    #[test]
    fn the_last_boot_of_an_image_is_known_until_the_image_changes() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        fs::create_dir(cache.root()).unwrap();
        let image = dir.path().join("image.raw");
        fs::write(&image, "x").unwrap();
        let own = Definition::of_chain(Chain::of(&image, Some(Format::Raw), &[]).unwrap());
        let guest = GuestSpec { source: Source::Own(Box::new(own)), ..GuestSpec::plain(Accel::Tcg) };
        assert_eq!(boot_took(&cache, &guest, false), None);
        keep_boot_time(&cache, &guest, false, 90.0).unwrap();
        keep_boot_time(&cache, &guest, true, 40.0).unwrap();
        keep_boot_time(&cache, &guest, false, 80.0).unwrap();
        assert_eq!(boot_took(&cache, &guest, false), Some(80.0));
        assert_eq!(boot_took(&cache, &guest, true), Some(40.0));
        let kvm = GuestSpec { source: guest.source.clone(), ..GuestSpec::plain(Accel::Kvm) };
        assert_eq!(boot_took(&cache, &kvm, false), None);
        let plain = GuestSpec::plain(Accel::Tcg);
        keep_boot_time(&cache, &plain, false, 1.0).unwrap();
        assert_eq!(boot_took(&cache, &plain, false), None);
        fs::write(&image, "another one").unwrap();
        assert_eq!(boot_took(&cache, &guest, false), None);
        keep_boot_time(&cache, &guest, false, 70.0).unwrap();
        assert_eq!(read(&cache).len(), 1);
        fs::write(cache.root().join(FILE), "no JSON").unwrap();
        assert_eq!(boot_took(&cache, &guest, false), None);
    }
}
