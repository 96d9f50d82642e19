package builder_test

import (
	"image"

	"vitrine/app/db"
)

type dbTx = db.Tx

func pixel() image.Image { return image.NewGray(image.Rect(0, 0, 1, 1)) }
