package accounts_test

import (
	"net/http"
	"testing"
	"time"

	"vitrine/app/apptest"
)

func TestOperatorsNeedTheSecondStep(t *testing.T) {
	w := apptest.New(t)
	var paths []string
	for _, r := range w.App.Router.Table() {
		if r.Access == "admin" && r.Method == http.MethodGet {
			paths = append(paths, r.Path)
		}
	}
	if len(paths) == 0 {
		t.Fatal("there is no page for operators")
	}
	c := w.Creator()
	w.Browser().Get("/admin/risk").Is(http.StatusNotFound)
	c.Get("/admin/risk").Is(http.StatusNotFound)
	o := w.Admin()
	o.Get("/admin/risk").Is(http.StatusOK)
	w.Pass(time.Hour)
	o.Get("/admin/risk").Is(http.StatusOK)
}
