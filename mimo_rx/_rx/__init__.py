"""What is known of RxPY: its operators, its time, its threads."""
