package polyaxon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// dialect is what distinguishes the server of one release of Polyaxon from those of
// others. Apart from it, only the files whose names end in a release know about releases.
type dialect struct {
	// version is the version that operations are compiled for, and installation the
	// response to the handshake.
	version      schema.Version
	installation map[string]string
	// routes adds the routes that not every release has.
	routes func(s *Server, m *router)
	// refusesBasicAuth reports whether a request with `Authorization: Basic` is refused.
	refusesBasicAuth bool
	// emptyErrors reports whether the server responds with an empty page if it fails at a
	// request.
	emptyErrors bool

	// manager returns what manages a run: "agent", "cli", which only compiles it, or
	// "user".
	manager func(body *createBody) string
	// operation compiles an operation. If the server refuses it, refused holds the
	// server's messages.
	operation func(content string) (compiled *compile.Compiled, refused []string)
	// checksTags reports whether tags that are not a list are refused.
	checksTags bool
	// compilesPending reports whether a run that waits for an upload is compiled meanwhile.
	compilesPending bool
	// approvedTwice reports whether a run whose operation says isApproved: false needs
	// two approvals, of which the first compiles it.
	approvedTwice bool
	// submitted is the reason and the message of the status scheduled.
	submitted [2]string

	// lacks lists, by form, the fields that responses of this release do not have.
	lacks map[form][]string
	// cloned is the response to restart and copy, and resumed the response to resume.
	cloned, resumed func(r record, namespace string) map[string]any
	// hidesDeleted reports whether requests for a deleted run get a 404.
	hidesDeleted bool
	// listed describes how lists are cut and sent.
	listed listing
	// queries maps the keys that runs can be queried by to a run's values.
	queries map[string]func(record) []string

	// lines returns the directory of this machine with the log files that clients see
	// among a run's artifacts.
	lines func(s *Server, run record) (dir string, err error)
	// logs responds with log lines.
	logs func(s *Server, query logQuery, answer *lineList) error
	// archiveHasDir reports whether the paths in an archive of a directory begin with the
	// directory's name.
	archiveHasDir bool
	// unpacked is the directory in which an uploaded archive is unpacked if the request
	// names none.
	unpacked string

	// gateways are the prefixes of paths to services. If portInPath is set the port follows
	// the run in the path; otherwise there is only one port.
	gateways   []string
	portInPath bool
}

func dialects() []*dialect { return []*dialect{release1113(), release218()} }

// Releases returns the releases of Polyaxon that a server can be, oldest first. The last
// is the default.
func Releases() []string {
	var all []string
	for _, d := range dialects() {
		all = append(all, strings.TrimSuffix(d.version.String(), ".0"))
	}
	return all
}

// dialectOf returns the dialect of a release by its name in Releases. "" means the
// newest.
func dialectOf(release string) (*dialect, error) {
	known := Releases()
	if release == "" {
		release = known[len(known)-1]
	}
	n := slices.Index(known, release)
	if n < 0 {
		return nil, fmt.Errorf("unsupported Polyaxon release %[2]s of the sandbox (supported: %[1]s)", strings.Join(known, " or "), release)
	}
	return dialects()[n], nil
}
