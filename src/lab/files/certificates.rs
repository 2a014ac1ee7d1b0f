//! The certificates of a lab with TLS: an authority of its own, a certificate for each server, and
//! one for clients.
//!
//! All of them are made anew whenever a lab is started as a whole, and the authority's key is
//! never written: nothing else can be signed by it, and none of them outlives its use.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::lab::error::{LabError, io};
use crate::lab::files::folders::Folders;
use crate::lab::files::os_user::{OsUser, own};
use crate::lab::member::Member;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Valid since so long, for machines with a clock behind this one's.
const VALID_SINCE: Duration = DAY;

/// Valid for so long: a lab may be left running.
const VALID_FOR: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

/// Certificates and keys in PEM, all signed by one authority.
struct Certificates {
    authority: String,
    /// By the members of Patroni: for their PostgreSQL server, and for Patroni's API.
    servers: [CertificateAndKey; 3],
    /// What HAProxy shows when it asks Patroni.
    proxy: CertificateAndKey,
    /// What pgchaos and other clients show.
    client: CertificateAndKey,
}

struct CertificateAndKey {
    certificate: String,
    key: String,
}

/// Makes the certificates of a lab, in place of those that it has.
///
/// # Errors
/// When they cannot be made or written.
pub(in crate::lab) fn make(folders: &Folders, os_user: Option<&OsUser>) -> Result<(), LabError> {
    let made = Certificates::new(&folders.name());
    made.map_err(|error| LabError::Certificates(error.to_string()))?.write(folders, os_user)
}

impl Certificates {
    fn new(lab: &str) -> Result<Self, rcgen::Error> {
        let mut authority = named(format!("pgchaos lab {lab}"), Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let server = |member: Member| {
            let names = vec![member.to_string(), "localhost".to_owned(), "127.0.0.1".to_owned()];
            // A member of Patroni is a client too, of the others.
            let uses = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            CertificateAndKey::new(member.to_string(), names, &uses, &authority)
        };
        let client = |name: &str| {
            let uses = [ExtendedKeyUsagePurpose::ClientAuth];
            CertificateAndKey::new(name.to_owned(), Vec::new(), &uses, &authority)
        };
        let [first, second, third] = Member::PATRONI;
        Ok(Self {
            servers: [server(first)?, server(second)?, server(third)?],
            proxy: client("haproxy")?,
            client: client("pgchaos")?,
            authority: authority.pem(),
        })
    }

    fn write(&self, folders: &Folders, os_user: Option<&OsUser>) -> Result<(), LabError> {
        let tls = folders.tls();
        fs::create_dir_all(&tls).map_err(io("made", &tls))?;
        write(&folders.authority(), &self.authority, Readers::All, None)?;
        write(&folders.client_certificate(), &self.client.certificate, Readers::All, None)?;
        write(&folders.client_key(), &self.client.key, Readers::Owner, None)?;
        for (member, server) in Member::PATRONI.into_iter().zip(&self.servers) {
            write(&folders.certificate(member), &server.certificate, Readers::All, os_user)?;
            write(&folders.key(member), &server.key, Readers::Owner, os_user)?;
        }
        let proxy = format!("{}{}", self.proxy.certificate, self.proxy.key);
        write(&folders.key(Member::HAPROXY), &proxy, Readers::Owner, os_user)
    }
}

impl CertificateAndKey {
    fn new(
        name: String,
        names: Vec<String>,
        uses: &[ExtendedKeyUsagePurpose],
        authority: &CertifiedIssuer<'_, KeyPair>,
    ) -> Result<Self, rcgen::Error> {
        let mut asked = named(name, names)?;
        asked.use_authority_key_identifier_extension = true;
        asked.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        asked.extended_key_usages = uses.to_vec();
        let key = KeyPair::generate()?;
        let certificate = asked.signed_by(&key, authority)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// What is to be certified: a subject, and the names and addresses that it is reached by.
fn named(subject: String, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut asked = CertificateParams::new(names)?;
    // Without it the subject has a name that rcgen gives.
    asked.distinguished_name = rcgen::DistinguishedName::new();
    asked.distinguished_name.push(DnType::CommonName, subject);
    let now = SystemTime::now();
    asked.not_before = (now - VALID_SINCE).into();
    asked.not_after = (now + VALID_FOR).into();
    Ok(asked)
}

#[derive(Clone, Copy)]
enum Readers {
    All,
    /// As libpq, PostgreSQL and ssh want a key.
    Owner,
}

/// Writes a file anew, so that it has these permissions from the first byte on.
fn write(
    path: &Path,
    content: &str,
    readers: Readers,
    os_user: Option<&OsUser>,
) -> Result<(), LabError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(io("removed", path)(error));
        }
        _ => {}
    }
    let mode = match readers {
        Readers::All => 0o644,
        Readers::Owner => 0o600,
    };
    let file = File::options().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(content.as_bytes()));
    written.map_err(io("written", path))?;
    own(path, os_user)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_for_their_owner_alone_and_the_authoritys_is_nowhere() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::at(home.path().join("a"));
        for member in Member::all() {
            fs::create_dir_all(folders.member(member)).unwrap();
        }
        make(&folders, None).unwrap();
        let first = fs::read(folders.authority()).unwrap();
        make(&folders, None).unwrap();
        assert_ne!(fs::read(folders.authority()).unwrap(), first, "made anew");

        let mut keys = Vec::new();
        let folders_of_members = Member::all().map(|member| folders.member(member));
        for folder in folders_of_members.chain([folders.tls()]) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let mode = path.metadata().unwrap().permissions().mode() & 0o777;
                if fs::read_to_string(&path).unwrap().contains("PRIVATE KEY") {
                    assert_eq!(mode, 0o600, "{}", path.display());
                    keys.push(path);
                } else {
                    assert_eq!(mode, 0o644, "{}", path.display());
                }
            }
        }
        keys.sort();
        let mut own: Vec<_> = Member::PATRONI.map(|member| folders.key(member)).to_vec();
        own.extend([folders.key(Member::HAPROXY), folders.client_key()]);
        own.sort();
        assert_eq!(keys, own);
    }
}
