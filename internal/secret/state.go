package secret

// State is how a Secret of the cluster compares with slipway.yaml.
type State string

// The states.
const (
	Missing State = "missing"
	Same    State = "same"
	Other   State = "other" // a sync would change it
	There   State = "there" // it is not known whether a sync would change it
)

// Compare returns how a Secret compares with b, and the keys that differ. old is nil if the
// Secret does not exist. A Secret that slipway did not write, or wrote for another project,
// is Other, even if no key differs.
func Compare(b Bundle, old *Stored) (State, []string) {
	if old == nil {
		return Missing, nil
	}
	change := compare(b, *old, true)
	if change.Action == Unchanged {
		return Same, nil
	}
	var keys []string
	for _, k := range change.Keys {
		if k.Action != Unchanged {
			keys = append(keys, k.Key)
		}
	}
	return Other, keys
}
