package registry

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

// TestCheckPushIsCancelled checks that an upload is cancelled whose answer comes after the
// caller has given up, or just then.
func TestCheckPushIsCancelled(t *testing.T) {
	for name, late := range map[string]bool{"in time": false, "late": true} {
		t.Run(name, func(t *testing.T) {
			ctx, giveUp := context.WithCancel(t.Context())
			given, cancelled := make(chan struct{}), make(chan string, 1)
			client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.Method {
				case http.MethodPost:
					giveUp()
					if late {
						<-given
					}
					w.Header().Set("Location", "/v2/upload/7")
					w.WriteHeader(http.StatusAccepted)
				case http.MethodDelete:
					cancelled <- r.URL.Path
					w.WriteHeader(http.StatusNoContent)
				}
			}))
			err := client.CheckPush(ctx, "app")
			close(given)
			if late && !errors.Is(err, context.Canceled) {
				t.Errorf("CheckPush returns %v", err)
			}
			select {
			case path := <-cancelled:
				if path != "/v2/upload/7" {
					t.Errorf("DELETE %s", path)
				}
			case <-time.After(5 * time.Second):
				t.Error("the upload is left")
			}
		})
	}
}
