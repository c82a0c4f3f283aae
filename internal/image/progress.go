package image

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

// meter counts a push.
type meter struct {
	// sent is what went out, whether it arrived or not.
	sent atomic.Int64

	mu   sync.Mutex
	now  Progress
	told int64
	tell func(Progress)
}

// expect adds a layer, of about this many bytes, to what is to be done.
func (m *meter) expect(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.BytesTotal += bytes
	m.now.Total++
}

// restart counts what the registry has from the beginning.
func (m *meter) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.told = Progress{}, 0
}

// end lets nothing be told any more.
func (m *meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell = nil
}

// moving counts bytes of a blob that are being sent.
func (m *meter) moving(n int64) {
	m.sent.Add(n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes += n
	if m.now.Bytes-m.told >= m.now.BytesTotal/steps {
		m.report()
	}
}

// settle takes back the bytes that were read of a layer. When the registry has it
// now, its size takes the place of what was expected of it.
func (m *meter) settle(expected, read, size int64) {
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
func (m *meter) report() {
	m.told = m.now.Bytes
	if m.tell == nil {
		return
	}
	shown := m.now
	shown.Bytes = min(shown.Bytes, shown.BytesTotal)
	m.tell(shown)
}
