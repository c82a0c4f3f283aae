package machine

import "io/fs"

// foreign says nothing: who owns a directory is in its access list, which it has from
// the user's own directories.
func foreign(fs.FileInfo) string { return "" }

func writable(string) bool { return true }

// Identity is not known here.
func Identity(string) (string, error) { return "", nil }
