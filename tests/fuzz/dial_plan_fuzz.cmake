tandem_fuzz(dial_plan LINKS common_base)
