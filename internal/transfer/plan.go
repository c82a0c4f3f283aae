package transfer

import (
	"context"
	"errors"

	"github.com/slipway-ci/slipway/internal/panics"
)

// checkNames returns a *NameError if the target cannot have a file of the source.
func (j *job) checkNames() error {
	names := sorted(j.from)
	if j.To.Remote() {
		for _, name := range names {
			if problem := objectProblem(j.To.below() + name); problem != "" {
				return &NameError{name, problem + "; leave it out with --exclude"}
			}
		}
		return nil
	}
	if j.From.foreign() && !j.To.InVolume {
		for _, name := range names {
			if problem := GitProblem(name); problem != "" {
				return &NameError{name, problem + "; leave it out with --exclude"}
			}
		}
		if err := j.checkLinksToGit(names); err != nil {
			return err
		}
	}
	if err := errors.Join(checkFiles(names, false), j.checkKinds(names)); err != nil || j.toRoot == nil || checkFiles(names, true) == nil {
		return err
	}
	folds, err := foldsNames(j.toRoot)
	if err == nil && folds {
		err = checkFiles(names, true)
	}
	return err
}

// plan compares both places. It reads only files whose checksum decides and is not known.
func (j *job) plan(ctx context.Context) (*Summary, error) {
	if err := j.hashShells(ctx); err != nil {
		return nil, err
	}
	names := sorted(j.from)
	same := make([]bool, len(names))
	group, hashing := panics.WithContext(ctx)
	group.SetLimit(4)
	for n, name := range names {
		from, to := j.from[name], j.to[name]
		if to == nil || from.size != to.size {
			continue
		}
		group.Go(func() error {
			equal, err := j.equal(hashing, name, from, to)
			same[n] = equal
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	s := &Summary{}
	if j.Digest {
		var err error
		if s.Digest, err = j.digest(ctx, names); err != nil {
			return nil, err
		}
	}
	for n, name := range names {
		if same[n] {
			s.Unchanged++
			continue
		}
		s.Changes = append(s.Changes, Change{Name: name, Bytes: j.from[name].size})
	}
	if j.Delete {
		for _, name := range sorted(j.to) {
			if j.from[name] == nil {
				s.Changes = append(s.Changes, Change{Name: name, Bytes: j.to[name].size, Delete: true})
			}
		}
	}
	return s, nil
}

// equal reports whether two files have the same content, by their checksums.
func (j *job) equal(ctx context.Context, name string, from, to *file) (bool, error) {
	var both [2]uint32
	for n, f := range []*file{from, to} {
		root, sums := j.fromRoot, j.fromSums
		if n == 1 {
			root, sums = j.toRoot, j.toSums
		}
		if f.object != nil {
			sum, known := f.object.CRC32C()
			if !known {
				return false, nil
			}
			both[n] = sum
			continue
		}
		sum, err := sums.of(ctx, root, name, f.info)
		if errors.As(err, new(*ChangedError)) {
			return false, nil // the copy reports it
		}
		if err != nil {
			return false, err
		}
		both[n] = sum
	}
	return both[0] == both[1], nil
}
