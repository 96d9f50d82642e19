package assist

import (
	"net/http/httptest"

	"vitrine/app/builder"
	"vitrine/app/db"
)

// visit puts blocks into the shop, publishes them, and is what the shop's front answers to a visitor.
func (w *world) visit(p builder.Proposal) string {
	w.t.Helper()
	err := w.DB.InTx(w.t.Context(), func(tx *db.Tx) error { return w.Window.Apply(w.t.Context(), tx, w.who, p) })
	if err == nil {
		_, err = w.Window.Publish(w.t.Context(), w.who, seqOf(w))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	req := httptest.NewRequest("GET", "http://shop.localhost/@"+w.slug, nil)
	w.front().ServeHTTP(rec, req)
	if rec.Code != 200 {
		w.t.Fatalf("the shop answers %d: %s", rec.Code, rec.Body.String())
	}
	return rec.Body.String()
}
