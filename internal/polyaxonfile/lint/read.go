package lint

import "context"

// Read reads the Polyaxonfile at a path, and the files that it refers to, and checks it
// as Check does. Problems of reading are findings, too.
func Read(ctx context.Context, path string, o Options) []Finding {
	f, problems := o.Reader.Load(ctx, path)
	return finish(ctx, f, problems, o)
}
