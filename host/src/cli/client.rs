//! Asking a running host, by its admin API.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::header::AUTHORIZATION;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;

/// How long an answer may take. The slowest is a page of sagas of a large journal.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer, in bytes: a page of 500 sagas is a fiftieth of it.
const LARGEST_ANSWER: u64 = 64 << 20;

/// Which host, and how to be let in.
#[derive(Args, Clone)]
pub(super) struct Admin {
    /// Where the host's admin API is.
    #[arg(
        long = "admin",
        value_name = "URL",
        env = "SKALD_ADMIN",
        default_value = "http://127.0.0.1:8081"
    )]
    url: String,
    /// The file that holds the operator's token, if the host asks for one.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The operator's token itself: from the environment only, since a command line can be read by others.
    #[arg(long, env = "SKALD_ADMIN_TOKEN", hide = true, hide_env_values = true)]
    #[expect(clippy::struct_field_names, reason = "clap makes the option's name of it")]
    admin_token: Option<String>,
}

impl Admin {
    /// Reads what is at a path.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<(Value, T), Failure> {
        self.get_patiently(path, PATIENCE)
    }

    /// The same, where it may take long.
    pub fn get_patiently<T: DeserializeOwned>(&self, path: &str, patience: Duration) -> Result<(Value, T), Failure> {
        let mut request = Self::agent(patience).get(self.at(path));
        if let Some(token) = self.token()? {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.answer(request.call())
    }

    /// Asks for something to be done.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<(Value, T), Failure> {
        self.post_patiently(path, body, PATIENCE)
    }

    /// The same, where it may take long.
    pub fn post_patiently<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        patience: Duration,
    ) -> Result<(Value, T), Failure> {
        let mut request = Self::agent(patience).post(self.at(path));
        if let Some(token) = self.token()? {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.answer(request.send_json(body))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    /// A proxy of the environment is for the world outside, not for this machine's loopback.
    fn agent(patience: Duration) -> ureq::Agent {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(patience))
            .proxy(None)
            .max_redirects(0);
        config.build().into()
    }

    fn token(&self) -> Result<Option<String>, Failure> {
        match &self.token_file {
            Some(path) => {
                let unreadable =
                    |error| Failure::Unusable(format!("the token file {} can't be read: {error}", path.display()));
                let token = std::fs::read_to_string(path).map_err(unreadable)?;
                Ok(Some(token.trim().to_owned()))
            }
            None => Ok(self.admin_token.clone()),
        }
    }

    fn answer<T: DeserializeOwned>(
        &self,
        answer: Result<http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(Value, T), Failure> {
        let mut response = answer.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string();
        let body = body.map_err(|error| self.unreachable(&error))?;
        let value: Option<Value> = serde_json::from_str(&body).ok();
        if status.is_success()
            && let Some(value) = value
        {
            let read = serde_json::from_value(value.clone());
            return read
                .map(|read| (value, read))
                .map_err(|error| self.stranger(&error.to_string()));
        }
        match value
            .as_ref()
            .and_then(|problem| problem.get("detail").or(problem.get("msg"))?.as_str())
        {
            Some(why) => Err(Failure::Refused(why.to_owned())),
            None => Err(self.stranger(&format!("it answered {status}"))),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let why = match error {
            ureq::Error::Timeout(_) => format!("skald at {} did not answer in time", self.url),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                format!("{:?} is no address: write it as http://127.0.0.1:8081", self.url)
            }
            _ => format!(
                "no skald answers at {}: is it running? name it with --admin ({error})",
                self.url
            ),
        };
        Failure::Unusable(why)
    }

    fn stranger(&self, detail: &str) -> Failure {
        Failure::Unusable(format!(
            "what answers at {} is not the admin API of this version of skald ({detail}): name that with --admin",
            self.url
        ))
    }
}
