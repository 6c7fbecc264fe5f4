package cmd

// regions are AWS's, with where they lie, for completion alone: no region is
// refused for not standing here (AWS General Reference, "Regions and zones").
var regions = []string{
	// aws
	"af-south-1\tCape Town",
	"ap-east-1\tHong Kong",
	"ap-east-2\tTaipei",
	"ap-northeast-1\tTokyo",
	"ap-northeast-2\tSeoul",
	"ap-northeast-3\tOsaka",
	"ap-south-1\tMumbai",
	"ap-south-2\tHyderabad",
	"ap-southeast-1\tSingapore",
	"ap-southeast-2\tSydney",
	"ap-southeast-3\tJakarta",
	"ap-southeast-4\tMelbourne",
	"ap-southeast-5\tMalaysia",
	"ap-southeast-6\tNew Zealand",
	"ap-southeast-7\tThailand",
	"ca-central-1\tCanada, Central",
	"ca-west-1\tCalgary",
	"eu-central-1\tFrankfurt",
	"eu-central-2\tZurich",
	"eu-north-1\tStockholm",
	"eu-south-1\tMilan",
	"eu-south-2\tSpain",
	"eu-west-1\tIreland",
	"eu-west-2\tLondon",
	"eu-west-3\tParis",
	"il-central-1\tTel Aviv",
	"me-central-1\tUnited Arab Emirates",
	"me-south-1\tBahrain",
	"mx-central-1\tMexico, Central",
	"sa-east-1\tSão Paulo",
	"us-east-1\tNorth Virginia",
	"us-east-2\tOhio",
	"us-west-1\tNorth California",
	"us-west-2\tOregon",
	// aws-cn
	"cn-north-1\tBeijing",
	"cn-northwest-1\tNingxia",
	// aws-us-gov
	"us-gov-east-1\tGovCloud, East",
	"us-gov-west-1\tGovCloud, West",
	// aws-eusc
	"eusc-de-east-1\tEuropean Sovereign Cloud, Germany",
	// aws-iso, aws-iso-b, aws-iso-e, aws-iso-f
	"us-iso-east-1\tisolated",
	"us-iso-west-1\tisolated",
	"us-isob-east-1\tisolated",
	"us-isob-west-1\tisolated",
	"eu-isoe-west-1\tisolated",
	"us-isof-east-1\tisolated",
	"us-isof-south-1\tisolated",
}

// services are those of AWS whose console is opened most, for completion alone.
var services = []string{
	"apigateway", "athena", "billing", "bedrock", "cloudformation", "cloudfront", "cloudtrail", "cloudwatch", "codebuild",
	"codepipeline", "cognito", "config", "dynamodb", "ec2", "ecr", "ecs", "eks", "elasticache", "events", "glue", "guardduty",
	"iam", "kinesis", "kms", "lambda", "logs", "organizations", "rds", "redshift", "route53", "s3", "sagemaker", "secretsmanager",
	"securityhub", "ses", "sns", "sqs", "ssm", "sso", "states", "support", "vpc", "waf",
}
