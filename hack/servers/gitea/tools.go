//go:build tools

// Package tools keeps the server program among the requirements of this module.
package tools

import _ "code.gitea.io/gitea"
