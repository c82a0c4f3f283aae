package image

import (
	"sync"
	"sync/atomic"
)

// Progress is how far a push has come: what the registry has, sent now or found
// there, in compressed bytes and in layers.
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

func newMeter(i *Image, tell func(Progress)) *meter {
	return &meter{now: Progress{BytesTotal: i.Size, Total: i.Layers}, tell: tell}
}

// restart counts what the registry has from the beginning.
func (m *meter) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes, m.now.Layers, m.told = 0, 0, 0
}

// end lets nothing be told any more: a connection may read on in a layer for a
// moment after the registry has answered.
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

// settle takes back the bytes that were read of a blob, and counts its size when
// the registry has it now.
func (m *meter) settle(read, size int64, there, isLayer bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Bytes -= read
	if !there {
		return
	}
	m.now.Bytes += size
	if isLayer {
		m.now.Layers++
	}
	m.report()
}

// report is called with the lock held, which keeps reports in order.
func (m *meter) report() {
	m.told = m.now.Bytes
	if m.tell == nil {
		return
	}
	shown := m.now
	shown.Bytes = min(shown.Bytes, shown.BytesTotal) // a blob that is sent twice at once
	m.tell(shown)
}
