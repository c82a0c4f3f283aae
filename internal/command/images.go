package command

import "github.com/slipway-ci/slipway/tasks"

// images returns the commands for images.
func images() []Command {
	return []Command{
		{
			Name: "build", Group: Images, Task: task(tasks.Build),
			Summary: "Build images and push them by digest",
			Help: `Builds images and pushes them by digest. ` +
				`Without an IMAGE it builds all images of slipway.yaml. ` +
				`What the registry already has is neither built nor sent again.`,
			Examples: []string{
				"slipway build",
				"slipway build train --verify",
			},
		},
		{
			Name: "images", Group: Images, Task: taskWithoutOptions(tasks.Images),
			Summary: "List what the registry holds of this project",
			Help: `Lists what the registry holds of this project. ` +
				`That is every repository below the registry's prefix or, where the registry does not list its repositories, the images of slipway.yaml.`,
			Examples: []string{"slipway images"},
		},
		{
			Name: "retag", Group: Images, Task: task(tasks.Retag),
			Summary: "Give all images of a commit another tag, without building",
			Help: `Gives all images of a commit another tag, without building them. ` +
				`FROM is a commit, branch or tag of git, or a tag of the images.`,
			Examples: []string{
				"slipway retag HEAD v1.2.0",
				"slipway retag main stable --force",
			},
		},
	}
}
