package registry

import (
	"sync"
	"sync/atomic"
)

// Progress is how far a push has come: what the registry has, sent now or found
// there, in bytes and in layers. BytesTotal is a guess from above as long as
// layers are being compressed, and right in the end.
type Progress struct {
	Bytes, BytesTotal int64
	Layers, Total     int
}

// steps is how often at most bytes are told of during a push.
const steps = 100

// Meter counts what is sent to a repository.
type Meter struct {
	// sent is what went out, whether it arrived or not.
	sent atomic.Int64

	mu   sync.Mutex
	now  Progress
	told int64
	tell func(Progress)
}

// Tell has progress told, by one goroutine at a time, until End.
func (m *Meter) Tell(progress func(Progress)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell = progress
}

// Sent returns how many bytes went out, whether they arrived or not.
func (m *Meter) Sent() int64 { return m.sent.Load() }

// Expect adds a layer, of about this many bytes, to what is to be done.
func (m *Meter) Expect(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.BytesTotal += bytes
	m.now.Total++
}

// Restart counts what the registry has from the beginning.
func (m *Meter) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.told = Progress{}, 0
}

// End lets nothing be told any more.
func (m *Meter) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell = nil
}

// moving counts bytes of a blob that are being sent.
func (m *Meter) moving(n int64) {
	m.sent.Add(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes += n
	if m.now.Bytes-m.told >= m.now.BytesTotal/steps {
		m.report()
	}
}

// Found counts a layer that the registry has: its size takes the place of what was
// expected of it.
func (m *Meter) Found(expected, size int64) { m.settle(expected, 0, size) }

// settle takes back the bytes that were read of a layer. When the registry has it
// now, its size takes the place of what was expected of it.
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

// report is called with the lock held, which keeps reports in order.
func (m *Meter) report() {
	m.told = m.now.Bytes
	if m.tell == nil {
		return
	}
	shown := m.now
	shown.Bytes = min(shown.Bytes, shown.BytesTotal)
	m.tell(shown)
}
