//! QEMU's `-blockdev` nodes. Every node says its driver, and every image what lies below it, so that QEMU neither probes
//! nor follows a name in a header. The values are JSON, in which no name of a file needs escaping.

use super::backing::{Chain, Format, Layer};
use serde_json::{Value, json};
use std::path::Path;

/// A raw disk that is only read, under the name of its node.
pub fn read_only(node: &str, file: &Path) -> String {
    json!({"driver": "raw", "node-name": node, "read-only": true, "file": protocol(file)}).to_string()
}

/// A raw disk that takes what a guest writes, under the name of its node.
pub fn written(node: &str, file: &Path) -> String {
    json!({"driver": "raw", "node-name": node, "file": protocol(file)}).to_string()
}

/// A qcow2 disk with nothing below it that is written, and that a host's crash may spoil until its guest has ended.
pub fn fresh(node: &str, file: &Path) -> String {
    let cache = json!({"direct": false, "no-flush": true});
    json!({"driver": Format::Qcow2.word(), "node-name": node, "cache": cache, "file": protocol(file), "backing": Value::Null, "discard": "unmap"})
        .to_string()
}

/// A data disk above the node that its bytes come from, with nothing below it; of so many bytes, where that is not all of them, and
/// whether it is written to.
pub fn data(
    node: &str,
    format: &str,
    below: Value,
    cache: &str,
    (size, writes): (Option<u64>, bool),
) -> String {
    let direct = ["none", "directsync"].contains(&cache);
    let cache = json!({"direct": direct, "no-flush": cache == "unsafe"});
    let mut image = json!({"driver": format, "node-name": node, "cache": cache, "file": below});
    if format == Format::Qcow2.word() {
        set(&mut image, "backing", Value::Null);
    }
    if let Some(size) = size {
        set(&mut image, "size", json!(size));
    }
    if !writes {
        set(&mut image, "read-only", json!(true));
    }
    image.to_string()
}

/// What a device is told of the write cache of its disk, which is no property of a node: in two of QEMU's modes it has none.
pub fn write_cache(cache: &str) -> &'static str {
    if ["writethrough", "directsync"].contains(&cache) { ",write-cache=off" } else { "" }
}

/// A layer of a boot's own above the chain of an image.
pub fn above(node: &str, overlay: &Path, chain: &Chain) -> String {
    let below = whole(chain);
    let format = Format::Qcow2.word();
    json!({"driver": format, "node-name": node, "file": protocol(overlay), "backing": below}).to_string()
}

/// A chain from its image down.
fn whole(chain: &Chain) -> Value {
    chain.layers.iter().rev().fold(Value::Null, |below, layer| image(layer, below))
}

/// A chain as qemu-img takes it in the place of a file's name.
pub fn named(chain: &Chain) -> String {
    format!("json:{}", whole(chain))
}

/// One qcow2 image of a chain as qemu-img takes it in the place of a file's name, without what lies below it.
pub fn alone(layer: &Layer) -> String {
    format!("json:{}", image(layer, Value::Null))
}

/// A VMDK image with nothing below it, as qemu-img takes it in the place of a file's name.
pub fn named_vmdk(file: &Path) -> String {
    format!("json:{}", json!({"driver": "vmdk", "file": protocol(file), "backing": Value::Null}))
}

/// An image with what lies below it.
fn image(layer: &Layer, below: Value) -> Value {
    let mut image = json!({"driver": layer.format.word(), "file": protocol(&layer.file)});
    if layer.format == Format::Qcow2 {
        set(&mut image, "backing", below);
    }
    if let Some(data) = &layer.data {
        set(&mut image, "data-file", protocol(data));
    }
    image
}

fn protocol(file: &Path) -> Value {
    json!({"driver": "file", "filename": file.display().to_string()})
}

fn set(node: &mut Value, key: &str, value: Value) {
    if let Some(members) = node.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}
