package transfer

import "strings"

// Overlaps reports whether both places are in the same bucket or volume, and one is the other or is in it. A copy
// from one to the other would copy its own copies again.
func (p Place) Overlaps(other Place) bool {
	a, b := p.root(), other.root()
	return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// root returns where a place is, with a slash at its end, or "" for a directory of this machine.
func (p Place) root() string {
	switch {
	case p.Remote():
		return "gs://" + p.Bucket + "/" + p.below()
	case p.InVolume && p.Dir == ".":
		return "volume:/"
	case p.InVolume:
		return "volume:/" + p.Dir + "/"
	}
	return ""
}
