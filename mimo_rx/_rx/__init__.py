"""All knowledge of RxPY: its operators, its schedulers, its threads."""
