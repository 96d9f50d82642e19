package app_test

import (
	"net/http"
	"strings"
	"testing"

	"vitrine/app/apptest"
)

const described = "I'm a potter in Porto. I sell mugs for €24 and an evening at the wheel for €60."

// Without a key everything of it works, and says that it is written from templates.
func TestAProgramHasAWindowWritten(t *testing.T) {
	w := &integrators{apptest.New(t)}
	c := w.Creator()
	p := w.program(c.User)
	if code, out := p.call(http.MethodGet, "/api/v1/ai/health", "", nil); code != http.StatusOK || out["configured"] != false || out["templates"] != true {
		t.Errorf("health: %d %v", code, out)
	}
	code, out := p.post("/api/v1/ai/generate/bio", "bio-1", map[string]any{"sentence": described, "tone": "plain"})
	if code != http.StatusOK || out["made_by"] != "template" || out["reason"] != "no_key" || out["bio"] == "" {
		t.Errorf("bio: %d %v", code, out)
	}
	if _, again := p.post("/api/v1/ai/generate/bio", "bio-1", map[string]any{"sentence": described, "tone": "plain"}); again["id"] != out["id"] {
		t.Errorf("the same key is another run: %v", again)
	}
	code, run := p.post("/api/v1/ai/build/storefront", "w-1", map[string]any{"sentence": described, "replace": true})
	if code != http.StatusAccepted || run["state"] != "waiting" {
		t.Fatalf("build: %d %v", code, run)
	}
	w.Work()
	code, run = p.call(http.MethodGet, "/api/v1/ai/runs/"+run["id"].(string), "", nil)
	if code != http.StatusOK || run["state"] != "done" || len(run["blocks"].([]any)) < 4 || len(run["products"].([]any)) != 2 {
		t.Errorf("run: %d %v", code, run)
	}
	for name, x := range map[string]struct {
		key  string
		body map[string]any
		code int
	}{
		"no key": {"", map[string]any{"sentence": described}, 422}, "no sentence": {"x1", map[string]any{}, 422}, "a price of its own": {"x2", map[string]any{"sentence": described, "price": 5}, 422},
		"another sentence": {"w-1", map[string]any{"sentence": described + " More."}, 409},
	} {
		if code, out := p.post("/api/v1/ai/build/storefront", x.key, x.body); code != x.code || out["error"] == nil {
			t.Errorf("%s: %d %v", name, code, out)
		}
	}
	if code, _ := w.program(w.Creator().User).call(http.MethodGet, "/api/v1/ai/runs/"+run["id"].(string), "", nil); code != http.StatusNotFound {
		t.Errorf("somebody else's run: %d", code)
	}
	if code, _ := (&program{w.World, ""}).call(http.MethodGet, "/api/v1/ai/health", "", nil); code != http.StatusUnauthorized {
		t.Errorf("nobody: %d", code)
	}
	if !strings.HasPrefix(run["url"].(string), w.Config.AppURL+"/app/window/ai/") {
		t.Errorf("url %v", run["url"])
	}
}
