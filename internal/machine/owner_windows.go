package machine

import "io/fs"

// whyNotOwned returns "". The owner of a file depends on its access control list, which
// it inherits from the user's own directories.
func whyNotOwned(fs.FileInfo) string { return "" }

// isRoots reports false: there is no root.
func isRoots(fs.FileInfo) bool { return false }

// writable reports true, without a check.
func writable(string) bool { return true }

// Identity returns "", since it is not known on Windows.
func Identity(string) (string, error) { return "", nil }
