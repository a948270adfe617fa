//! What a campaign does with passwords.

use crate::campaign_support;

use campaign_support::{PretendBooter, campaign_with, find, go};
use collect::campaign::Campaign;
use model::secrets::SECRETS_FILE;
use model::{Origin, Params};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const PASSWORD: &str = "correct-horse-battery";

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let all = walkdir::WalkDir::new(dir).into_iter().map(|entry| entry.unwrap());
    all.filter(|e| e.file_type().is_file()).map(|e| e.into_path()).collect()
}

fn holds(path: &Path) -> bool {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains(PASSWORD)
}

#[test]
fn a_password_stands_in_one_file_of_a_campaign_which_only_its_owner_reads() {
    let dir = tempfile::tempdir().unwrap();
    let mut params = Params::new();
    params.set("password", PASSWORD, Origin::Flag(format!("--set password={PASSWORD}")));
    let out = campaign_with(dir.path(), 2, 1, params);
    go(&out, &mut PretendBooter::default(), 100);
    let holding: Vec<_> = files(&out).into_iter().filter(|path| holds(path)).collect();
    let secrets = out.join(SECRETS_FILE);
    assert_eq!(holding, std::slice::from_ref(&secrets));
    assert_eq!(secrets.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let run = std::fs::read_to_string(out.join("base/run.json")).unwrap();
    assert!(run.contains("\"password\": \"(set)\""), "{run}");
}

#[test]
fn a_campaign_that_goes_on_knows_its_password_and_says_what_to_do_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut params = Params::new();
    params.set("password", PASSWORD, Origin::BuiltIn);
    let out = campaign_with(dir.path(), 2, 1, params);
    let known = |out: &Path| {
        let plan = Campaign::stored_plan(out).unwrap();
        plan.environments[1].to_params().secret("password")
    };
    assert_eq!(known(&out).unwrap().unwrap().reveal(), PASSWORD);
    drop(Campaign::open_with(&out, "host", find).unwrap());
    std::fs::remove_file(out.join(SECRETS_FILE)).unwrap();
    let gone = known(&out).unwrap_err().to_string();
    assert!(gone.contains("password_file") && gone.contains("PERFVT_PASSWORD"), "{gone}");
}

#[test]
fn a_plan_of_before_there_were_secrets_is_read_and_its_password_told_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign_with(dir.path(), 1, 1, Params::new());
    let path = out.join("campaign.json");
    let mut plan: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let stored = serde_json::json!({"value": PASSWORD, "origin": format!("--set password={PASSWORD}")});
    plan["environments"][0]["params"]["password"] = stored;
    plan["argv"] = serde_json::json!(["perfvt", "run", "--set", format!("password={PASSWORD}")]);
    std::fs::write(&path, plan.to_string()).unwrap();
    let file = Campaign::stored_plan(&out).unwrap();
    let params = file.environments[0].to_params();
    assert_eq!(params.secret("password").unwrap().unwrap().reveal(), PASSWORD);
    assert!(!format!("{params:?} {:?}", file.argv).contains(PASSWORD));
    go(&out, &mut PretendBooter::default(), 100);
    let holding: Vec<_> = files(&out).into_iter().filter(|path| holds(path)).collect();
    assert_eq!(holding, [path], "nothing that is written now holds it");
}
