package registry

import (
	"sync"
	"sync/atomic"
)

// Progress is how much of an image the registry has, both uploaded now and found there, in
// bytes and in layers. BytesTotal is an upper estimate while layers are being compressed,
// and exact at the end.
type Progress struct {
	Bytes, BytesTotal int64
	Layers, Total     int
}

// maxReports is how often, at most, the progress of bytes is reported during a push.
const maxReports = 100

// Meter counts the bytes that are sent to a repository. It is safe for concurrent use.
type Meter struct {
	// sent is the number of bytes that were sent, whether they arrived or not.
	sent atomic.Int64

	mu       sync.Mutex
	now      Progress
	reported int64
	progress func(Progress)
}

// Start makes the meter call progress until Stop, never from two goroutines at once.
func (m *Meter) Start(progress func(Progress)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress = progress
}

// Sent returns the number of bytes that were sent, whether they arrived or not.
func (m *Meter) Sent() int64 { return m.sent.Load() }

// Expect adds a layer of about this many bytes to the totals.
func (m *Meter) Expect(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.BytesTotal += bytes
	m.now.Total++
}

// Restart resets the progress to zero, but not the number of bytes sent.
func (m *Meter) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.reported = Progress{}, 0
}

// Stop stops reporting progress.
func (m *Meter) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress = nil
}

// countSent counts bytes of a blob as they are sent.
func (m *Meter) countSent(n int64) {
	m.sent.Add(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes += n
	if m.now.Bytes-m.reported >= m.now.BytesTotal/maxReports {
		m.report()
	}
}

// Found counts a layer that the registry already has. Its size in bytes replaces the size
// that was expected.
func (m *Meter) Found(expected, size int64) { m.settle(expected, 0, size) }

// settle ends the upload of a layer. It takes back the bytes that were counted while the
// layer was read. If size is not 0, the registry has the layer, and size replaces the size
// that was expected.
func (m *Meter) settle(expected, read, size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes -= read
	if size == 0 {
		return
	}
	m.now.BytesTotal += size - expected
	m.now.Bytes += size
	m.now.Layers++
	m.report()
}

// report reports the progress. The lock must be held, which keeps reports in order.
func (m *Meter) report() {
	m.reported = m.now.Bytes
	if m.progress == nil {
		return
	}
	shown := m.now
	shown.Bytes = min(shown.Bytes, shown.BytesTotal)
	m.progress(shown)
}
