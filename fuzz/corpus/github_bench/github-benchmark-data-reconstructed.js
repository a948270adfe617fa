window.BENCHMARK_DATA = {
 "lastUpdate": 1,
 "repoUrl": "x",
 "entries": {
  "Suite": [
   {
    "commit": {
     "id": "a"
    },
    "date": 1,
    "tool": "customSmallerIsBetter",
    "benches": [
     {
      "name": "b",
      "value": 10,
      "unit": "ms"
     }
    ]
   },
   {
    "commit": {
     "id": "a"
    },
    "date": 1,
    "tool": "customSmallerIsBetter",
    "benches": [
     {
      "name": "b",
      "value": 11,
      "unit": "ms"
     }
    ]
   }
  ],
  "Rates": [
   {
    "commit": {
     "id": "a"
    },
    "date": 1,
    "tool": "customBiggerIsBetter",
    "benches": [
     {
      "name": "b",
      "value": 99,
      "unit": "ops"
     }
    ]
   }
  ]
 }
}
