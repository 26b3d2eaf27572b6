//! Checksum forms that peers taught, kept over restarts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fhrp::{ChecksumPolicy, Family, GroupConfig, GroupId, VrrpConfig, VrrpSettings};
use fhrp_wire::vrrp::ChecksumForm;

const FILE: &str = "learned.json";
/// 4,000 groups take about 200 kB.
const FILE_OCTETS_MAX: u64 = 4 << 20;

/// What has been learned, by group.
#[derive(Debug)]
pub(super) struct Learned {
    file: PathBuf,
    forms: BTreeMap<String, String>,
}

impl Learned {
    /// What an earlier run wrote in `state_dir`; nothing where that cannot be used, which is logged and harmless.
    pub(super) fn load(state_dir: &Path) -> Self {
        let file = state_dir.join(FILE);
        let forms = match read(&file) {
            Ok(forms) => forms,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                tracing::warn!("{}: {error}; checksum forms will be learned anew", file.display());
                BTreeMap::new()
            }
        };
        Self { file, forms }
    }

    /// `config` with the form that was learned for its group, where it wants one.
    pub(super) fn apply(&self, config: &GroupConfig) -> GroupConfig {
        let Some(vrrp) = config.vrrp() else { return config.clone() };
        let settings = vrrp.settings();
        let learned = self.forms.get(&key(config.id())).and_then(|name| form(name));
        if settings.checksum != ChecksumPolicy::Auto || learned.is_none() {
            return config.clone();
        }
        let settings = VrrpSettings { learned_checksum: learned, ..settings.clone() };
        VrrpConfig::new(settings).map_or_else(|_| config.clone(), GroupConfig::from)
    }

    /// Remembers `form` for `group`, on disk too.
    pub(super) fn learn(&mut self, group: &GroupId, form: ChecksumForm) {
        let name = crate::report::form(form);
        if self.forms.insert(key(group), name.clone()).is_some_and(|before| before == name) {
            return;
        }
        if let Err(error) = self.write() {
            let file = self.file.display();
            tracing::warn!(
                "{file}: {error}; the checksum form will have to be learned again after a restart"
            );
        }
    }

    /// A reader of the file sees the old or the new content, never a part.
    fn write(&self) -> io::Result<()> {
        let beside = self.file.with_extension("new");
        fs::write(&beside, serde_json::to_vec(&self.forms)?)?;
        fs::rename(beside, &self.file)
    }
}

fn read(file: &Path) -> io::Result<BTreeMap<String, String>> {
    if fs::metadata(file)?.len() > FILE_OCTETS_MAX {
        return Err(io::Error::other("too large"));
    }
    Ok(serde_json::from_slice(&fs::read(file)?)?)
}

fn key(group: &GroupId) -> String {
    let family = match group.family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    format!("{}/{family}/{}", group.interface, group.number)
}

fn form(name: &str) -> Option<ChecksumForm> {
    match name {
        "rfc9568" => Some(ChecksumForm::Rfc9568),
        "rfc5798" => Some(ChecksumForm::Rfc5798),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use fhrp::InterfaceName;

    use super::*;

    fn learned(from: &Learned, config: &GroupConfig) -> Option<ChecksumForm> {
        from.apply(config).vrrp().unwrap().settings().learned_checksum
    }

    fn config(checksum: ChecksumPolicy) -> GroupConfig {
        let mut settings =
            VrrpSettings::new(InterfaceName::new("eth0"), 10, vec!["192.0.2.1".parse().unwrap()]);
        settings.checksum = checksum;
        VrrpConfig::new(settings).unwrap().into()
    }

    #[test]
    fn a_learned_form_outlives_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let auto = config(ChecksumPolicy::Auto);
        Learned::load(folder.path()).learn(auto.id(), ChecksumForm::Rfc5798);
        let later = Learned::load(folder.path());
        assert_eq!(learned(&later, &auto), Some(ChecksumForm::Rfc5798));
        assert_eq!(learned(&later, &config(ChecksumPolicy::Rfc9568)), None);
    }

    #[test]
    fn a_damaged_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        let auto = config(ChecksumPolicy::Auto);
        assert_eq!(Learned::load(folder.path()).apply(&auto), auto);
    }
}
