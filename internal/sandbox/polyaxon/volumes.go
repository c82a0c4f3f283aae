package polyaxon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// retryPause is the interval at which a pod checks for what it lacks.
const retryPause = 500 * time.Millisecond

// mounts returns a container's mounts: the run's artifacts, the persistent volume, and
// the operation's volumes.
func (p *podRun) mounts(c corev1.Container) ([]container.Mount, error) {
	mounts := []container.Mount{{Target: path.Join(artifactsRoot, p.run.UUID), Source: p.dir("artifacts", p.run.UUID)}}
	taken := map[string]bool{}
	for _, m := range c.VolumeMounts {
		volume, ok := find(p.o.Volumes, m.Name)
		if !ok {
			return nil, fmt.Errorf("container %s mounts the volume %s, which is not declared in the operation", c.Name, m.Name)
		}
		mount, err := p.mount(volume, m)
		if err != nil {
			return nil, err
		}
		if mount != nil {
			mounts = append(mounts, *mount)
			taken[path.Clean(m.MountPath)] = true
		}
	}
	if !taken[volumeMount] {
		dir := VolumeDir(p.options.Dir)
		if err := disk.Mkdir(dir); err != nil {
			return nil, err
		}
		mounts = append(mounts, container.Mount{Target: volumeMount, Source: dir})
	}
	return mounts, nil
}

// VolumeDir returns where the server in dir keeps the persistent volume.
func VolumeDir(dir string) string { return filepath.Join(dir, "volumes", volumeClaim) }

func find(volumes []corev1.Volume, name string) (corev1.Volume, bool) {
	for _, v := range volumes {
		if v.Name == name {
			return v, true
		}
	}
	return corev1.Volume{}, false
}

// mount returns the mount of a volume, or nil for an optional one that does not exist.
func (p *podRun) mount(v corev1.Volume, m corev1.VolumeMount) (*container.Mount, error) {
	mount := &container.Mount{Target: m.MountPath, ReadOnly: m.ReadOnly}
	switch {
	case v.PersistentVolumeClaim != nil:
		mount.Source = p.dir("volumes", safe(v.PersistentVolumeClaim.ClaimName))
	case v.HostPath != nil:
		// Never use the machine's own path: a job of the sandbox must not reach it. It is
		// not below volumes either, where a claim of that name would contain all others.
		mount.Source = p.dir("host-paths", safe(v.HostPath.Path))
	case v.EmptyDir != nil, v.Ephemeral != nil:
		mount.Source = filepath.Join(p.scratch, "volumes", safe(v.Name))
	case v.Secret != nil:
		return p.files(mount, m, func() (map[string][]byte, string) {
			data, ok := p.options.Cluster.Secret(p.options.Namespace, v.Secret.SecretName)
			return p.items("secret", v.Secret.SecretName, data, ok, v.Secret.Items, optional(v.Secret.Optional))
		})
	case v.ConfigMap != nil:
		return p.files(mount, m, func() (map[string][]byte, string) {
			data, ok := p.options.Cluster.ConfigMap(p.options.Namespace, v.ConfigMap.Name)
			return p.items("configmap", v.ConfigMap.Name, data, ok, v.ConfigMap.Items, optional(v.ConfigMap.Optional))
		})
	default:
		return nil, fmt.Errorf("the volume %s is of a kind that the sandbox does not support; it supports persistentVolumeClaim, emptyDir, hostPath, secret and configMap", v.Name)
	}
	if m.SubPath != "" && !filepath.IsLocal(m.SubPath) {
		return nil, fmt.Errorf("the subPath %s of the volume %s is not a path inside of it", m.SubPath, v.Name)
	}
	mount.SubPath = m.SubPath
	return mount, disk.Mkdir(mount.Source)
}

// files waits until the files of a mount exist, as Kubernetes does.
func (p *podRun) files(mount *container.Mount, m corev1.VolumeMount, read func() (map[string][]byte, string)) (*container.Mount, error) {
	for {
		files, missing := read()
		if missing == "" {
			if m.SubPath != "" {
				return nil, fmt.Errorf("the sandbox does not support subPath for Secrets and ConfigMaps (%s)", m.Name)
			}
			if files == nil { // an empty Secret is an empty directory
				files = map[string][]byte{}
			}
			mount.Files, mount.ReadOnly = files, true
			return mount, nil
		}
		if err := p.lacking(missing); err != nil {
			return nil, err
		}
	}
}

// items returns the files of a Secret or ConfigMap.
func (p *podRun) items(kind, name string, data map[string][]byte, exists bool, items []corev1.KeyToPath, mayLack bool) (map[string][]byte, string) {
	if !exists {
		if mayLack {
			return map[string][]byte{}, ""
		}
		return nil, p.noObject(kind, name)
	}
	if len(items) == 0 {
		return data, ""
	}
	files := map[string][]byte{}
	for _, item := range items {
		content, ok := data[item.Key]
		if !ok && !mayLack {
			return nil, fmt.Sprintf("couldn't find key %s in %s %s/%s", item.Key, kind, p.options.Namespace, name)
		}
		if ok {
			files[item.Path] = content
		}
	}
	return files, ""
}

// safe maps any text to a directory name. Different texts have different names.
func safe(name string) string {
	plain := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}, name), "_")
	if plain == name && name != "" {
		return plain
	}
	sum := sha256.Sum256([]byte(name))
	return plain + "_" + hex.EncodeToString(sum[:4])
}
