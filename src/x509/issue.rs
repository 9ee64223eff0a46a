//! What our own certificates look like.
//!
//! The defaults of the library underneath are traps (no basic constraints,
//! dates from 1975 to 4096, the same serial for the same key); every field is
//! set here, and nowhere else.

use std::time::SystemTime;

use rcgen::BasicConstraints;
use rcgen::Certificate;
use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::SanType;
use rcgen::SerialNumber;
use rcgen::SigningKey;
use time::OffsetDateTime;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::x509::csr::PublicKey;

/// A number for a certificate, drawn at random by the issuer.
pub type Serial = [u8; 16];

/// All that varies between one SVID and another.
#[derive(Clone, Debug)]
pub struct SvidTemplate<'a> {
    /// Whom it names.
    pub id: &'a SpiffeId,
    /// The first instant at which it holds; fractions of a second are cut.
    pub not_before: SystemTime,
    /// The last instant at which it holds; fractions of a second are cut.
    pub not_after: SystemTime,
    /// Its number.
    pub serial: Serial,
}

impl SvidTemplate<'_> {
    /// Signs an X.509-SVID for `key`.
    ///
    /// # Errors
    ///
    /// [`TemplateError::OutOfCalendar`] and [`TemplateError::Unsigned`].
    pub fn sign(
        &self,
        key: &PublicKey,
        issuer: &Issuer<'_, impl SigningKey>,
    ) -> Result<Certificate, TemplateError> {
        let mut params = blank(self.not_before, self.not_after, self.serial)?;
        params.subject_alt_names = vec![uri(self.id)?];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        params
            .signed_by(key.as_rcgen(), issuer)
            .map_err(|cause| TemplateError::Unsigned { cause })
    }
}

/// All that varies between one CA of ours and another.
#[derive(Clone, Debug)]
pub struct CaTemplate<'a> {
    /// Whose names it vouches for.
    pub trust_domain: &'a TrustDomain,
    /// The first instant at which it holds; fractions of a second are cut.
    pub not_before: SystemTime,
    /// The last instant at which it holds; fractions of a second are cut.
    pub not_after: SystemTime,
    /// Its number.
    pub serial: Serial,
}

impl CaTemplate<'_> {
    /// Signs a root with its own key.
    ///
    /// # Errors
    ///
    /// [`TemplateError::OutOfCalendar`] and [`TemplateError::Unsigned`].
    pub fn sign_itself(&self, key: &impl SigningKey) -> Result<Certificate, TemplateError> {
        self.params(BasicConstraints::Unconstrained)?
            .self_signed(key)
            .map_err(|cause| TemplateError::Unsigned { cause })
    }

    /// Signs an intermediate for `key`, below which there are leaves only.
    ///
    /// # Errors
    ///
    /// As for [`sign_itself`](Self::sign_itself).
    pub fn sign(
        &self,
        key: &KeyPair,
        issuer: &Issuer<'_, impl SigningKey>,
    ) -> Result<Certificate, TemplateError> {
        let mut params = self.params(BasicConstraints::Constrained(0))?;
        params.use_authority_key_identifier_extension = true;
        params
            .signed_by(key, issuer)
            .map_err(|cause| TemplateError::Unsigned { cause })
    }

    /// No name constraints: the path builders of some peers refuse every SVID
    /// under them.
    fn params(&self, constraints: BasicConstraints) -> Result<CertificateParams, TemplateError> {
        let mut params = blank(self.not_before, self.not_after, self.serial)?;
        // The serial tells two CAs of one trust domain apart by name, too:
        // path builders choose by name first.
        let number = self
            .serial
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Portreeve");
        params.distinguished_name.push(
            DnType::CommonName,
            format!("{} {number}", self.trust_domain),
        );
        let id: SpiffeId = format!("spiffe://{}", self.trust_domain)
            .parse()
            .map_err(|cause| TemplateError::BadId { cause })?;
        params.subject_alt_names = vec![uri(&id)?];
        params.is_ca = IsCa::Ca(constraints);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(params)
    }
}

/// Why a certificate could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// The trust domain has no ID of its own.
    #[error("the trust domain's ID is not a SPIFFE ID")]
    BadId {
        /// What is wrong with it.
        #[source]
        cause: crate::id::SpiffeIdError,
    },
    /// A date that certificates cannot express.
    #[error("a date of its validity is beyond the calendar of certificates")]
    OutOfCalendar,
    /// The issuer's key could not sign.
    #[error("the issuer's key could not sign")]
    Unsigned {
        /// What the signer said.
        #[source]
        cause: rcgen::Error,
    },
}

fn blank(
    not_before: SystemTime,
    not_after: SystemTime,
    serial: Serial,
) -> Result<CertificateParams, TemplateError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = date(not_before)?;
    params.not_after = date(not_after)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn uri(id: &SpiffeId) -> Result<SanType, TemplateError> {
    let text = id
        .as_str()
        .try_into()
        .map_err(|cause| TemplateError::Unsigned { cause })?;
    Ok(SanType::URI(text))
}

fn date(time: SystemTime) -> Result<OffsetDateTime, TemplateError> {
    let since_epoch = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .or(Err(TemplateError::OutOfCalendar))?;
    let seconds = i64::try_from(since_epoch.as_secs()).or(Err(TemplateError::OutOfCalendar))?;
    OffsetDateTime::from_unix_timestamp(seconds).or(Err(TemplateError::OutOfCalendar))
}
