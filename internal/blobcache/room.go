package blobcache

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/atomicfile"
)

// makeRoom deletes the blobs that were not used for the longest time, until there is room for size
// bytes. It also deletes what killed processes left behind.
func (c Cache) makeRoom(size int64) {
	dir := filepath.Join(c.dir, blobsDir)
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var blobs []fs.FileInfo
	total := size
	for _, file := range files {
		info, err := file.Info()
		if err != nil { // another process has deleted it
			continue
		}
		if strings.HasPrefix(info.Name(), atomicfile.Prefix) && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(dir, info.Name()))
			continue
		}
		total += info.Size()
		if !strings.HasPrefix(info.Name(), atomicfile.Prefix) {
			blobs = append(blobs, info)
		}
	}
	slices.SortFunc(blobs, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, blob := range blobs {
		if total <= c.limit {
			return
		}
		if os.Remove(filepath.Join(dir, blob.Name())) == nil {
			total -= blob.Size()
		}
	}
}
