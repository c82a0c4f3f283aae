"""Finds the edges of a square with OpenCV."""
import json

import cv2
import numpy as np

square = np.zeros((64, 64), dtype=np.uint8)
cv2.rectangle(square, (16, 16), (47, 47), 255, -1)
edges = cv2.Canny(square, 100, 200)
print("slipway-metrics " + json.dumps({"edges": int(np.count_nonzero(edges))}))
print(cv2.__version__)
