//! What an answer means that is a refusal.

use super::error::HubError;
use super::reference::Reference;
use super::settings::{Settings, Token};
use super::url::Origin;

/// Who refuses what.
pub(super) struct Refusal<'a> {
    pub(super) settings: &'a Settings,
    pub(super) reference: &'a Reference,
    /// The file that was asked for; none for the list of them.
    pub(super) file: Option<&'a str>,
    /// The server that answers: the hub, or where it leads.
    pub(super) from: Origin,
}

impl Refusal<'_> {
    /// What a status and the hub's own word for it mean.
    pub(super) fn meaning(&self, status: u16, code: &str) -> HubError {
        let (model, repository) = (self.reference.to_string(), self.reference.repository());
        let (host, what) = (self.settings.origin.to_string(), self.file.unwrap_or(&repository).to_owned());
        if self.from != self.settings.origin {
            return HubError::Elsewhere { host, there: self.from.to_string(), status, what };
        }
        let sent = self.settings.token_for(&self.from);
        if let (401 | 403, Some(token), None) = (status, &self.settings.token, sent) {
            return HubError::Unsent { host, status, from: token.from().to_owned() };
        }
        let token = sent.is_some();
        match (status, code, self.file) {
            (_, "GatedRepo", _) | (403, _, _) => {
                let page = format!("{host}/{repository}");
                HubError::Gated { model, page, token }
            }
            (_, "RevisionNotFound", _) => {
                HubError::NoRevision { repository, revision: self.reference.revision().to_owned() }
            }
            // Of what it does not show it says so (`RepoNotFound`); else it is the token that it does not know.
            (401, "", _) if token => HubError::Token { host, from: sent.map_or("", Token::from).to_owned() },
            (404, _, Some(file)) => HubError::NoFile { repository, file: file.to_owned() },
            (401 | 404, _, _) => HubError::NoRepository { host, model, token },
            _ => HubError::Status { host, status, what },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_not_sent_is_not_to_blame() {
        let reference = Reference::parse("a/b").unwrap();
        let said = |endpoint: &str, from: &str, answer: (u16, &str)| {
            let var = |name: &str| match name {
                "HF_TOKEN" => Some("hf_x".into()),
                "HF_ENDPOINT" => Some(endpoint.into()),
                "HF_HOME" => Some("/no/such/folder".into()),
                _ => None,
            };
            let settings = Settings::from_vars(false, var).unwrap();
            let from = Origin::of(from).unwrap();
            Refusal { settings: &settings, reference: &reference, file: None, from }
                .meaning(answer.0, answer.1)
                .to_string()
        };
        let (hub, plain) = ("https://hub.example", "http://hub.example");
        assert!(said(hub, hub, (401, "")).contains("refuses the token of HF_TOKEN"));
        assert!(said(hub, hub, (403, "GatedRepo")).contains("use a token of that account"));
        for (status, code) in [(401, ""), (401, "RepoNotFound"), (403, "GatedRepo")] {
            let text = said(plain, plain, (status, code));
            assert!(
                text.contains("token of HF_TOKEN, which is not sent over plain http") && text.contains("https"),
                "{text}"
            );
            let text = said(hub, "https://cdn.example", (status, ""));
            assert!(text.contains("sends on to https://cdn.example, which answers 40"), "{text}");
        }
        assert!(said(plain, plain, (404, "RevisionNotFound")).contains("has no revision"));
        assert!(
            said("http://127.0.0.1:9", "http://127.0.0.1:9", (401, "")).contains("refuses the token"),
            "it was sent"
        );
    }
}
