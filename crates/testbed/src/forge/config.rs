//! Gitea's settings and the static files it insists on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

/// Settings of a forge in a folder: one address only, sqlite, nothing on a timer.
pub(super) fn app_ini(dir: &Path, host: &str, port: u16, user: &str) -> String {
    let dir = dir.display();
    format!(
        "\
APP_NAME = forge
RUN_MODE = prod
RUN_USER = {user}
WORK_PATH = {dir}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
PROTOCOL = http
DOMAIN = {host}
HTTP_ADDR = {host}
HTTP_PORT = {port}
ROOT_URL = http://{host}:{port}/
LOCAL_ROOT_URL = http://{host}:{port}/
STATIC_ROOT_PATH = {dir}/static
APP_DATA_PATH = {dir}/data
OFFLINE_MODE = true
LFS_START_SERVER = false
DISABLE_SSH = true
START_SSH_SERVER = false

[database]
DB_TYPE = sqlite3
PATH = {dir}/data/gitea.db
SQLITE_JOURNAL_MODE = WAL
LOG_SQL = false

[repository]
ROOT = {dir}/data/repos
DEFAULT_BRANCH = main
DISABLE_HTTP_GIT = false

[security]
INSTALL_LOCK = true
SECRET_KEY = test-only-secret-key
PASSWORD_HASH_ALGO = pbkdf2$1000$50
DISABLE_GIT_HOOKS = true

[service]
DISABLE_REGISTRATION = true
REQUIRE_SIGNIN_VIEW = false

[webhook]
ALLOWED_HOST_LIST = loopback
DELIVER_TIMEOUT = 5

[indexer]
ISSUE_INDEXER_TYPE = db

[queue]
TYPE = channel

[cache]
ADAPTER = memory

[session]
PROVIDER = memory

[actions]
ENABLED = false

[packages]
ENABLED = false

[mailer]
ENABLED = false

[openid]
ENABLE_OPENID_SIGNIN = false

[cron]
ENABLED = false

[cron.update_checker]
ENABLED = false

[log]
MODE = console
LEVEL = Info
"
    )
}

/// Templates and options of the module, and an empty front end: without one the log is full of complaints.
pub(super) fn static_root(root: &Path, module: &Path) -> Result<()> {
    let assets = root.join("public/assets");
    for folder in ["js", "css", ".vite"] {
        fs::create_dir_all(assets.join(folder))?;
    }
    for name in ["templates", "options", "public/assets/img"] {
        symlink(module.join(name), root.join(name))?;
    }
    fs::write(assets.join("js/index.js"), "")?;
    fs::write(assets.join("css/index.css"), "")?;
    let mut manifest = json!({
        "web_src/js/index.ts": {
            "file": "js/index.js", "name": "index", "isEntry": true, "css": ["css/index.css"],
        },
    });
    for theme in ["auto", "light", "dark"] {
        let name = format!("theme-gitea-{theme}");
        let file = format!("css/{name}.css");
        fs::write(assets.join(&file), ".x{}")?;
        manifest[format!("web_src/css/themes/{name}.css")] =
            json!({ "file": file, "name": name, "isEntry": true });
    }
    fs::write(assets.join(".vite/manifest.json"), manifest.to_string())?;
    Ok(())
}
