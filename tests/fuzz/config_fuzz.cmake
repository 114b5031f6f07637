tandem_fuzz(config LINKS common_config)
