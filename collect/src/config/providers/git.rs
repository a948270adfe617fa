//! The git program, as far as providers need it.

use super::source::Repository;
use super::{Definition, ProviderError};
use edge::text::cut;
use process::deadlines::{HOST_WORK, NETWORK};
use process::{GitOf, ProcessError, Spec};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// In the repository's own attributes, which win over those among its files: contents are not converted, and no filter
/// of the user's is run on them.
const ATTRIBUTES: &str = "* -text -eol -ident -filter -working-tree-encoding -diff -merge\n";

/// Lines of git's that an error quotes, the last ones.
const LINES: usize = 3;

/// A commit's files with the repository that they are of.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Holds both.
    folder: PathBuf,
}

/// Runs git.
fn git(
    definition: &Definition,
    doing: &str,
    environment: &[String],
    args: &[&str],
    deadline: Duration,
) -> Result<String, ProviderError> {
    // Not where perfvt happens to be started: that may be a repository with a configuration of its own.
    let spec = process::git(GitOf::Others, environment).args(["-C", "/"]).args(args);
    let output = process::run(spec, deadline).map_err(|source| ProviderError::Git {
        name: definition.name.clone(),
        doing: doing.to_owned(),
        source: shortened(source, args),
    })?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

/// An error without all that git was told, and with the end of what it said: some of that is the other side's.
fn shortened(error: ProcessError, args: &[&str]) -> ProcessError {
    let verb = args.iter().find(|arg| !arg.starts_with('-') && !arg.contains(['=', '/']));
    let short = format!("git {}", verb.unwrap_or(&""));
    let end = |text: String| {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
        last.iter().map(|line| cut(line)).collect::<Vec<_>>().join("; ")
    };
    match error {
        ProcessError::Failed { status, stderr, .. } => {
            ProcessError::Failed { command: short, status, stderr: end(stderr) }
        }
        ProcessError::Deadline { seconds, stderr, .. } => {
            ProcessError::Deadline { command: short, seconds, stderr: end(stderr) }
        }
        other => other,
    }
}

fn words(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Local work: no transport is allowed.
fn allowing(protocols: &str) -> String {
    format!("GIT_ALLOW_PROTOCOL={protocols}")
}

/// ssh that fails instead of asking, unless the user says how ssh is to be called.
fn ssh(definition: &Definition) -> Option<String> {
    let said = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| std::env::var_os(name).is_some());
    let configured = || {
        let args = ["config", "--get", "core.sshCommand"];
        git(definition, "looking for core.sshCommand", &[], &args, HOST_WORK).is_ok()
    };
    (!said && !configured()).then(|| "GIT_SSH_COMMAND=ssh -o BatchMode=yes".to_owned())
}

impl Tree {
    /// What is, or is to be, in a folder.
    pub fn new(folder: PathBuf) -> Tree {
        Tree { folder }
    }

    /// Whether a folder is a tree that perfvt made: a repository and files, and nothing beside them.
    pub fn is_one(folder: &Path) -> bool {
        let tree = Tree::new(folder.to_owned());
        let own = [tree.repository(), tree.files()];
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        own.iter().all(|path| path.is_dir()) && entries.into_iter().all(|entry| own.contains(&entry.path()))
    }

    /// The repository, which has no files of its own.
    fn repository(&self) -> PathBuf {
        self.folder.join("git")
    }

    /// The files.
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    fn run(
        &self,
        definition: &Definition,
        doing: &str,
        environment: &[String],
        args: &[&str],
    ) -> Result<String, ProviderError> {
        let repository = format!("--git-dir={}", words(&self.repository()));
        let files = format!("--work-tree={}", words(&self.files()));
        let environment = [environment, &[allowing("")]].concat();
        let args = [&[repository.as_str(), files.as_str()], args].concat();
        git(definition, doing, &environment, &args, HOST_WORK)
    }

    /// Clones a repository.
    pub fn clone(&self, definition: &Definition, from: &Repository) -> Result<(), ProviderError> {
        let to = words(&self.repository());
        let kind = if from.mirrored { "--mirror" } else { "--bare" };
        let args = ["clone", "--quiet", kind, "--no-local", "--template=", "--", &from.url, &to];
        let mut environment = vec![allowing(from.protocols)];
        if from.protocols.contains("ssh") {
            environment.extend(ssh(definition));
        }
        git(definition, &format!("cloning {}", definition.provider.uri), &environment, &args, NETWORK)
            .map(drop)
    }

    /// The commit that the definition names: its tag or commit, else the end of its branch, else of the default branch.
    pub fn wanted(&self, definition: &Definition) -> Result<String, ProviderError> {
        let provider = &definition.provider;
        match (&provider.reference, &provider.branch) {
            (Some(reference), _) => {
                let doing = format!("looking for ref {reference}");
                self.commit(definition, &doing, &[&format!("refs/tags/{reference}"), reference])
            }
            (None, Some(branch)) => {
                let doing = format!("looking for branch {branch}");
                self.commit(definition, &doing, &[&format!("refs/heads/{branch}")])
            }
            (None, None) => self.commit(definition, "looking for its default branch", &["HEAD"]),
        }
    }

    /// The first of some names that is a commit's.
    pub fn commit(
        &self,
        definition: &Definition,
        doing: &str,
        names: &[&str],
    ) -> Result<String, ProviderError> {
        let mut last = None;
        for name in names {
            let wanted = format!("{name}^{{commit}}");
            let args = ["rev-parse", "--quiet", "--verify", "--end-of-options", &wanted];
            match self.run(definition, doing, &[], &args) {
                Ok(commit) => return Ok(commit),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(ProviderError::NoCache))
    }

    /// What the name of a tag stands for: `tag` for one that can be signed.
    pub fn kind(&self, definition: &Definition, tag: &str) -> Result<String, ProviderError> {
        let name = format!("refs/tags/{tag}");
        self.run(definition, "looking at its tag", &[], &["cat-file", "-t", &name])
    }

    /// The name that a tag that can be signed gives to itself, which the signature covers.
    pub fn name_within(&self, definition: &Definition, tag: &str) -> Result<String, ProviderError> {
        let name = format!("refs/tags/{tag}");
        let text = self.run(definition, "looking at its tag", &[], &["cat-file", "tag", &name])?;
        let mut head = text.lines().take_while(|line| !line.is_empty());
        Ok(head.find_map(|line| line.strip_prefix("tag ")).unwrap_or_default().to_owned())
    }

    /// Checks the signature of a tag against one key and no other.
    pub fn verify(&self, definition: &Definition, tag: &str, key: &Path) -> Result<(), ProviderError> {
        let doing = format!("verifying the signature of tag {tag} with {}", key.display());
        let read = |path: &Path| {
            let path = path.to_owned();
            move |source| ProviderError::Read { path, source }
        };
        let keys = process::private_folder().map_err(read(key))?;
        let text = edge::read(key, edge::read::CONFIG).map_err(read(key))?;
        let is_ssh = text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-") || text.starts_with(b"sk-");
        if is_ssh {
            let signers = keys.path().join("signers");
            let line = [b"* ".as_slice(), text.trim_ascii(), b"\n"].concat();
            edge::write::write(&signers, line).map_err(read(&signers))?;
            let file = format!("gpg.ssh.allowedSignersFile={}", signers.display());
            let args = [
                "-c",
                "gpg.format=ssh",
                "-c",
                "gpg.ssh.program=ssh-keygen",
                "-c",
                &file,
                "verify-tag",
                "--",
                tag,
            ];
            return self.run(definition, &doing, &[], &args).map(drop);
        }
        let home = format!("GNUPGHOME={}", keys.path().display());
        let import = Spec::new("env")
            .args([home.as_str(), "gpg", "--batch", "--quiet", "--no-autostart", "--import", "--"])
            .arg(key);
        let failed = |source| ProviderError::Git {
            name: definition.name.clone(),
            doing: format!("reading the key {}", key.display()),
            source,
        };
        process::run(import, HOST_WORK).map_err(failed)?;
        let args = ["-c", "gpg.format=openpgp", "-c", "gpg.program=gpg", "verify-tag", "--", tag];
        self.run(definition, &doing, &[home], &args).map(drop)
    }

    /// Writes the files of a commit, as they were committed.
    pub fn write_files(&self, definition: &Definition, commit: &str) -> Result<(), ProviderError> {
        let attributes = self.repository().join("info/attributes");
        let written = edge::write::create_directory(self.files())
            .and_then(|()| edge::write::create_directory(self.repository().join("info")))
            .and_then(|()| edge::write::write(&attributes, ATTRIBUTES));
        written.map_err(|source| ProviderError::Write { path: self.folder.clone(), source })?;
        let args = ["checkout", "--quiet", "--force", "--detach", commit, "--"];
        self.run(definition, "writing its files", &[], &args).map(drop)
    }

    /// What is not as a commit has it: the first file that differs, is missing or is one too many, or another commit.
    /// `None` when all is.
    pub fn difference(&self, definition: &Definition, commit: &str) -> Result<Option<String>, ProviderError> {
        if !self.files().is_dir() {
            return Ok(Some("they are not there".to_owned()));
        }
        let args =
            ["status", "--porcelain=v2", "--branch", "--untracked-files=all", "--ignored=matching", "-z"];
        let doing = format!(
            "looking at its files in {} (`perfvt provider update {}` fetches them anew)",
            self.folder.display(),
            definition.name
        );
        let told = self.run(definition, &doing, &[], &args)?;
        let mut head = None;
        for entry in told.split('\0').filter(|entry| !entry.is_empty()) {
            match entry.strip_prefix("# ") {
                Some(header) => head = head.or(header.strip_prefix("branch.oid ")),
                None => return Ok(Some(entry.split(' ').next_back().unwrap_or_default().to_owned())),
            }
        }
        Ok((head != Some(commit)).then(|| format!("they are of commit {}", head.unwrap_or_default())))
    }
}
