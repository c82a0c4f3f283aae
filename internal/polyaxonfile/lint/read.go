package lint

import "context"

// Read reads the Polyaxonfile at a path, and what it refers to, and checks it as
// Check does. What cannot be read is a finding too.
func Read(ctx context.Context, path string, o Options) []Finding {
	f, problems := o.Reader.Load(ctx, path)
	return finish(ctx, f, problems, o)
}
