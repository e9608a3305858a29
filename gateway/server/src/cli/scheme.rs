//! How a request is or was signed, and with which secret: flags of `sign` and `verify`.

use super::failure::{Failure, told, usage};
use clap::ValueEnum;
use hookwright_core::preset::{all, preset};
use hookwright_core::secret::RawSecret;
use hookwright_core::signature::{Digest, Encoding, Headers, Request, Scheme, SignatureScheme, is_public_url};
use std::path::PathBuf;

/// The scheme and the secret.
#[derive(clap::Args)]
pub(super) struct SchemeArguments {
    /// The secret: `whsec_…` for Standard Webhooks (`sign` takes `whsk_…`, too), any text for an HMAC or a token, `user:password` for Basic. Better given in the variable or a file, for arguments
    /// can be seen by others on the machine.
    #[arg(long, value_name = "TEXT", env = "HOOKWRIGHT_SECRET", hide_env_values = true, allow_hyphen_values = true)]
    secret: Option<String>,
    /// A file with the secret; one line break at its end is not part of it.
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    secret_file: Option<PathBuf>,
    /// The whole scheme as JSON, as a source's `verification` field has it.
    #[arg(long, value_name = "JSON", conflicts_with = "signature_header")]
    scheme: Option<String>,
    /// The scheme of a partner that the gateway knows, such as `zoom`; `GET /admin/presets` lists them.
    #[arg(long, value_name = "ID", conflicts_with_all = ["scheme", "signature_header"])]
    preset: Option<String>,
    /// The header that holds a generic HMAC; without it (and without --scheme) the scheme is Standard Webhooks.
    #[arg(long, value_name = "NAME")]
    signature_header: Option<String>,
    /// What stands before the signature in that header, e.g. `sha256=`.
    #[arg(long, value_name = "TEXT", requires = "signature_header", default_value = "", hide_default_value = true)]
    prefix: String,
    /// How the signature is written.
    #[arg(long, value_enum, requires = "signature_header", default_value = "hex")]
    encoding: EncodingWord,
    /// The hash function.
    #[arg(long, value_enum, requires = "signature_header", default_value = "sha256")]
    digest: DigestWord,
    /// The header with the time of signing; what is signed is then `TIMESTAMP.BODY`.
    #[arg(long, value_name = "NAME", requires = "signature_header")]
    timestamp_header: Option<String>,
}

/// The secret is one.
impl std::fmt::Debug for SchemeArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchemeArguments").field("signature_header", &self.signature_header).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EncodingWord {
    Hex,
    Base64,
    Base64url,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DigestWord {
    Sha256,
    Sha384,
    Sha512,
    Sha1,
}

impl SchemeArguments {
    /// The scheme, checked.
    pub(super) fn scheme(&self) -> Result<Scheme, Failure> {
        let scheme = match (&self.scheme, &self.signature_header, &self.preset) {
            (Some(json), _, _) => serde_json::from_str(json).map_err(|error| usage(format!("--scheme: {error}")))?,
            (None, Some(header), _) => Scheme::Hmac(self.hmac(header)),
            (None, None, Some(id)) => of_preset(id)?,
            (None, None, None) => Scheme::STANDARD,
        };
        scheme.check().map_err(|error| usage(format!("the scheme cannot be carried out: {error}")))?;
        Ok(scheme)
    }

    fn hmac(&self, header: &str) -> SignatureScheme {
        SignatureScheme {
            prefix: self.prefix.clone(),
            encoding: match self.encoding {
                EncodingWord::Hex => Encoding::Hex,
                EncodingWord::Base64 => Encoding::Base64,
                EncodingWord::Base64url => Encoding::Base64url,
            },
            digest: match self.digest {
                DigestWord::Sha256 => Digest::Sha256,
                DigestWord::Sha384 => Digest::Sha384,
                DigestWord::Sha512 => Digest::Sha512,
                DigestWord::Sha1 => Digest::Sha1,
            },
            timestamp_header: self.timestamp_header.clone(),
            ..SignatureScheme::new(header)
        }
    }

    /// The secret, checked against the scheme.
    pub(super) fn secret(&self, scheme: &Scheme) -> Result<RawSecret, Failure> {
        let secret = self.unchecked_secret()?;
        scheme.check_secret(&secret).map_err(|error| usage(error.to_string()))?;
        Ok(secret)
    }

    /// The secret as it was given.
    pub(super) fn unchecked_secret(&self) -> Result<RawSecret, Failure> {
        let text = match (&self.secret, &self.secret_file) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| told(format!("cannot read {}: {error}", file.display())))?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                line.strip_suffix('\r').unwrap_or(line).to_owned()
            }
            (None, None) => return Err(usage("a secret is needed: --secret, --secret-file or HOOKWRIGHT_SECRET")),
        };
        RawSecret::parse(&text).map_err(|error| usage(error.to_string()))
    }
}

fn of_preset(id: &str) -> Result<Scheme, Failure> {
    let known = preset(id).ok_or_else(|| {
        let ids: Vec<_> = all().iter().map(|preset| preset.id.as_str()).collect();
        usage(format!("--preset: there is no {id}; there are {}", ids.join(", ")))
    })?;
    Ok(known.verification.clone())
}

/// The request around a body, where a scheme signs more than that.
#[derive(Debug, clap::Args)]
pub(super) struct RequestArguments {
    /// The method of the request.
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: String,
    /// The whole address that the partner posts to, for schemes that sign it; with its query, if there is one.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl RequestArguments {
    /// The method.
    pub(super) fn method(&self) -> &str {
        &self.method
    }

    /// The query of the address.
    pub(super) fn query(&self) -> &str {
        self.public_url.as_ref().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query)
    }

    /// The request.
    pub(super) fn request<'a>(
        &'a self,
        headers: &'a dyn Headers,
        body: &'a [u8],
        now_secs: i64,
    ) -> Result<Request<'a>, Failure> {
        let public_url = self.public_url.as_ref().map(|url| url.split('?').next().unwrap_or_default());
        if public_url.is_some_and(|url| !is_public_url(url)) {
            return Err(usage("--public-url: expected http:// or https://, a host and a path"));
        }
        Ok(Request { method: &self.method, query: self.query(), public_url, ..Request::new(headers, body, now_secs) })
    }
}
