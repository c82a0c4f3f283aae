package report

// Action is what a command did to an image, an object of Kubernetes, a job or a file, or, in a
// plan, what a deploy would do. "" is for what no command has done anything to.
type Action string

// The actions of images.
const (
	// ActionBuild is for an image whose digest is known only when it is built.
	ActionBuild  Action = "build"
	ActionPush   Action = "push"
	ActionPushed Action = "pushed"
	// ActionTag is for an image that exists and lacks a tag.
	ActionTag    Action = "tag"
	ActionTagged Action = "tagged"
)

// The actions of Secrets, of the volume claim and of the objects of manifests.
const (
	ActionCreate    Action = "create"
	ActionUpdate    Action = "update"
	ActionUnchanged Action = "unchanged"
	// ActionReplace deletes an object and creates it anew.
	ActionReplace Action = "replace"
	// ActionPrune deletes what slipway.yaml or the manifests no longer name.
	ActionPrune Action = "prune"
	// ActionLeft is for an object that is not pruned or not put back. Its Reason says why.
	ActionLeft       Action = "left"
	ActionRolledBack Action = "rolled-back"
	// ActionFailed is for a service that was started with its model, and does not answer.
	ActionFailed Action = "failed"
	// ActionDiffers is for a claim that is not as slipway.yaml describes it. It stays as it is.
	ActionDiffers Action = "differs"
)

// The actions of jobs.
const (
	ActionSubmit    Action = "submit"
	ActionSubmitted Action = "submitted"
	// ActionAttach follows an active run with the same inputs.
	ActionAttach   Action = "attach"
	ActionAttached Action = "attached"
	// ActionSkip is for a job that was not submitted, because another job did not succeed.
	ActionSkip Action = "skip"
)

// The actions of several kinds of things.
const (
	// ActionUpToDate is for an image that exists, and for a job that has succeeded with the same
	// inputs.
	ActionUpToDate Action = "up-to-date"
	// ActionUnknown is for what a plan cannot tell, because a server did not answer or an image
	// is not built yet.
	ActionUnknown Action = "unknown"
)

// The actions of the files that init writes.
const (
	ActionCreated Action = "created"
	ActionAppend  Action = "append"
	// ActionCopy and ActionDelete are for the files of data sync. ActionCopied is for artifacts and data sets.
	ActionCopy     Action = "copy"
	ActionCopied   Action = "copied"
	ActionDelete   Action = "delete"
	ActionAppended Action = "appended"
)

// Changes reports whether the action changes something. Following a run changes nothing.
func (a Action) Changes() bool {
	switch a {
	case "", ActionUnchanged, ActionLeft, ActionDiffers, ActionAttach, ActionAttached, ActionSkip, ActionUpToDate, ActionUnknown:
		return false
	}
	return true
}
