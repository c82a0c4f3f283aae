package platform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/sandbox"
)

// lookup is what is known of a kind, or of one Secret. It is filled once.
type lookup struct {
	once  sync.Once
	names []string
	// keys are the keys of each object. It is nil if they were not requested.
	keys map[string][]string
	// unusable says of objects that exist why no run can use them.
	unusable map[string]string
	// known reports whether names and keys are complete.
	known bool
	// err is why they are not known, and what is the plural of what was asked for.
	err  error
	what string
}

// has reports whether the object exists, or may exist.
func (l *lookup) has(name string) bool { return !l.known || slices.Contains(l.names, name) }

// addClaims adds volume claims. One that has lost its volume, or that is being deleted,
// cannot be used by a new pod.
func (l *lookup) addClaims(all []corev1.PersistentVolumeClaim) {
	l.unusable = map[string]string{}
	for i := range all {
		name := all[i].Name
		l.names = append(l.names, name)
		if why := cluster.Unusable(&all[i]); why != "" {
			l.unusable[name] = why
		}
	}
}

// secret requests a Secret by name. Without keys, it requests the metadata only.
func (i *Inventory) secret(ctx context.Context, name string, keys bool) *lookup {
	id := "secret/" + name
	if keys {
		id = "keys of " + id
	}
	return i.once(id, func(l *lookup) {
		i.mu.Lock()
		unanswered := i.unanswered
		i.mu.Unlock()
		if unanswered {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, OptionalTimeout)
		defer cancel()
		found := false
		if keys {
			var all []string
			all, found, l.err = i.cluster.SecretKeys(ctx, name)
			l.keys = map[string][]string{name: all}
		} else {
			found, l.err = i.cluster.HasSecret(ctx, name)
		}
		if found {
			l.names = []string{name}
		}
		if l.known, l.what = l.err == nil, plural(lint.Secret); l.known {
			return
		}
		i.mu.Lock()
		first := !i.secretFailed
		i.secretFailed = true
		i.unanswered = i.unanswered || !apierrors.IsForbidden(l.err)
		i.mu.Unlock()
		if cause := cluster.Cause(l.err); first && !i.loading && i.FirstTime(cause) {
			i.Note(fmt.Sprintf("it is unknown whether the secrets that runs name exist: %s", cause))
		}
	})
}

// list returns the objects of a kind.
func (i *Inventory) list(ctx context.Context, kind lint.Kind) *lookup {
	if kind == lint.ConfigMap || kind == lint.Connection && !i.sandboxed {
		return i.configMaps(ctx, kind)
	}
	return i.once(string(kind), func(l *lookup) {
		ctx, cancel := context.WithTimeout(ctx, OptionalTimeout)
		defer cancel()
		l.known = true
		switch {
		case kind == lint.Connection:
			l.names = sandbox.Connections()
		case i.sandboxed:
			l.known = false
		case kind == lint.PriorityClass:
			l.names, l.err = i.cluster.PriorityClasses(ctx)
		case kind == lint.VolumeClaim:
			var all []corev1.PersistentVolumeClaim
			all, l.err = i.cluster.Claims(ctx)
			l.addClaims(all)
		default:
			l.names, l.err = i.cluster.Names(ctx, "serviceaccounts")
		}
		i.noteFailure(kind, l)
	})
}

// configMaps returns the ConfigMaps, or the connections that one of them lists. One request
// serves both.
func (i *Inventory) configMaps(ctx context.Context, kind lint.Kind) *lookup {
	maps := i.once(string(lint.ConfigMap), func(l *lookup) {
		ctx, cancel := context.WithTimeout(ctx, OptionalTimeout)
		defer cancel()
		all, err := i.cluster.ConfigMaps(ctx)
		l.known, l.err, l.keys = true, err, map[string][]string{}
		for n := range all {
			l.names = append(l.names, all[n].Name)
			l.keys[all[n].Name] = dataKeys(all[n].Data, all[n].BinaryData)
		}
		i.noteFailure(lint.ConfigMap, l)
		i.once(string(lint.Connection), func(l *lookup) {
			if err == nil {
				var connections []cluster.Connection
				connections, l.known, l.err = cluster.AgentConnections(all)
				for _, c := range connections {
					l.names = append(l.names, c.Name)
				}
				i.noteFailure(lint.Connection, l)
			}
		})
	})
	if kind == lint.ConfigMap {
		return maps
	}
	return i.once(string(lint.Connection), func(*lookup) {})
}

func dataKeys(data map[string]string, binary map[string][]byte) []string {
	keys := append([]string{}, slices.Sorted(maps.Keys(data))...)
	return append(keys, slices.Sorted(maps.Keys(binary))...)
}

// once returns the lookup of this name, and fills it if it is new. Callers wait for a
// lookup that is being filled.
func (i *Inventory) once(name string, fill func(*lookup)) *lookup {
	i.mu.Lock()
	if i.lookups == nil {
		i.lookups = map[string]*lookup{}
	}
	l := i.lookups[name]
	if l == nil {
		l = &lookup{}
		i.lookups[name] = l
	}
	i.mu.Unlock()
	l.once.Do(func() { fill(l) })
	return l
}

func (i *Inventory) noteFailure(kind lint.Kind, l *lookup) {
	if l.err == nil {
		return
	}
	l.known, l.what = false, plural(kind)
	if cause := cluster.Cause(l.err); !i.loading && i.FirstTime(cause) {
		i.Note(fmt.Sprintf("the %s of the cluster cannot be listed: %s", plural(kind), cause))
	}
}

func plural(kind lint.Kind) string {
	if kind == lint.PriorityClass {
		return "priority classes"
	}
	return string(kind) + "s"
}

// Unseen is a kind of objects that could not be looked up, such as config maps, and why.
type Unseen struct {
	What string
	Err  error
}

// maxRequests is the number of requests that Load sends at the same time.
const maxRequests = 8

// Load asks for all needs at the same time: once for each kind, and once for each Secret
// that deploy does not write. It returns what could not be asked, which then counts as
// existing. Afterwards, the other methods send no requests for these needs.
func (i *Inventory) Load(ctx context.Context, needs []lint.Need) ([]Unseen, error) {
	i.loading = true
	defer func() { i.loading = false }()
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(maxRequests)
	var asked []lint.Kind
	for _, n := range merged(needs) {
		switch {
		case n.Kind == lint.Secret:
			own := i.ownKeys(n.Name)
			keys := slices.ContainsFunc(n.Keys, func(key string) bool { return !slices.Contains(own, key) })
			if own == nil || keys {
				group.Go(func() error { i.loadSecret(ctx, n.Name, keys); return nil })
			}
		case i.creates(n.Kind, n.Name), slices.Contains(asked, n.Kind):
		default:
			asked = append(asked, n.Kind)
			group.Go(func() error { i.list(ctx, n.Kind); return nil })
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return i.unseen(), nil
}

// merged returns the needs with those for the same object merged.
func merged(needs []lint.Need) []lint.Need {
	var all []lint.Need
	for _, n := range needs {
		same := slices.IndexFunc(all, func(other lint.Need) bool { return other.Kind == n.Kind && other.Name == n.Name })
		if same < 0 {
			all = append(all, n)
			continue
		}
		all[same].Keys = slices.Concat(all[same].Keys, n.Keys)
	}
	return all
}

// loadSecret requests a Secret once, with its keys if they are needed.
func (i *Inventory) loadSecret(ctx context.Context, name string, keys bool) {
	l := i.secret(ctx, name, keys)
	if keys {
		i.once("secret/"+name, func(metadata *lookup) {
			metadata.names, metadata.known, metadata.err, metadata.what = l.names, l.known, l.err, l.what
		})
	}
}

// unseen returns the kinds that could not be asked, sorted.
func (i *Inventory) unseen() []Unseen {
	i.mu.Lock()
	defer i.mu.Unlock()
	why := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(i.lookups)) {
		if l := i.lookups[name]; l.err != nil && why[l.what] == nil {
			why[l.what] = l.err
		}
	}
	var all []Unseen
	for _, what := range slices.Sorted(maps.Keys(why)) {
		all = append(all, Unseen{what, why[what]})
	}
	return all
}
