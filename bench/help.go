package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"

	"vitrine/app/db"
	"vitrine/app/orders"
)

func gunzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// setStock limits a product to n copies, or to none with nil.
func setStock(ctx context.Context, w *world, o orders.Offer, n *int) error {
	return w.DB.InTx(ctx, func(tx *db.Tx) error { return w.Stock.Set(ctx, tx, o.Product, o.Shop, o.Creator, n) })
}
