//! A farm as `compare`, `explain`, `plan`, `publish` and `lake add` read it: the sample of two equal sides, as three hosts gave it.

use crate::lake::Place;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        // Five boots a side are enough.
        if ["repeat6", "repeat7", "repeat8", "repeat9", "repeat10"]
            .iter()
            .any(|n| to.display().to_string().contains(n))
        {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A farm of three hosts, each of which measured the sample.
fn farm(root: &Path) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/aa");
    let shards: Vec<Value> =
        (1..=3).map(|k| json!({"k": k, "host": format!("h{k}"), "seed": k, "blocks": 5})).collect();
    fs::create_dir_all(root).unwrap();
    fs::write(root.join("farm.json"), json!({"format": 1, "id": "night", "shards": shards}).to_string())
        .unwrap();
    for k in 1..=3 {
        let shard = root.join(format!("shards/0{k}@h{k}"));
        for name in ["a", "b"] {
            copy(&sample.join(name), &shard.join(name));
            let file = shard.join(name).join("run.json");
            let mut run: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            run["repeats"] = json!(5);
            run["blocks"].as_array_mut().unwrap().truncate(5);
            run["campaign"] = json!(format!("night-{k}"));
            run["fingerprint"]["host.id"] = json!(format!("id-{k}"));
            fs::write(&file, run.to_string()).unwrap();
        }
        let plan = json!({"format": 1, "environments": [{"name": "a"}, {"name": "b"}]});
        fs::write(shard.join("campaign.json"), plan.to_string()).unwrap();
    }
}

#[test]
fn a_farm_is_compared_explained_planned_published_and_added_to_a_lake() {
    let place = Place::new();
    farm(Path::new(&place.path("night")));
    let text = place.is(&["compare", "night", "--html", "page.html"], 0, "b against a on these 3 hosts: ");
    assert!(text.contains("Hosts") && text.contains("on these 3 hosts: h1, h2, h3"), "{text}");
    place.is(&["compare", "night", "--no-html", "--format", "classic"], 0, "");
    assert!(fs::read_to_string(place.path("page.html")).unwrap().contains("id=\"hosts\""));
    let row = "TCP_STREAM/size=65535,sessions=1/throughput";
    let explained = place.is(&["explain", "night", row], 0, "the estimate is on these 3 hosts: h1, h2, h3");
    assert!(
        explained.contains("mean over these hosts") && explained.contains("the hosts' SE^2"),
        "{explained}"
    );
    place.is(&["plan", "night", "--hosts", "6", "--effect", "3%"], 0, "hosts before blocks");
    place.is(&["plan", "night", "--format", "json"], 0, "\"hosts\":3");
    place.is(&["plan", "night", "--hosts", "1"], 2, "want a number from 2");
    place.is(
        &["plan", "night/shards/01@h1", "--hosts", "5"],
        0,
        "one host does not tell how much hosts differ",
    );
    place.is(&["publish", "site", "night"], 0, "");
    place.is(&["lake", "add", "lake", "night"], 0, "6 added");
    place.is(&["lake", "add", "lake", "night"], 0, "6 already there");
    let shards = ["night/shards/01@h1", "night/shards/03@h3"];
    place.is(&["compare", shards[0], shards[1], "--no-html"], 0, "on these 2 hosts");
    let apart = ["compare", "night/shards/01@h1/a", "night/shards/03@h3/b", "--no-html"];
    place.is(&apart, 3, "different-hosts");
}
