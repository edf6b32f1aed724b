// One scheduled query rule over a workspace. Every alert of the product is made here.

@description('Azure region of the rule: the region of the workspace.')
param location string

@description('Resource name of the rule.')
@maxLength(260)
param ruleName string

@description('Name of the alert in notifications and in the portal.')
param displayName string

@description('What the alert means and when it resolves.')
param ruleDescription string

@description('Severity, 0 (critical) to 4 (verbose).')
@minValue(0)
@maxValue(4)
param severity int

@description('Query text.')
param query string

@description('How the query\'s rows become a verdict: timeAggregation, metricMeasureColumn, operator, threshold, dimensions, failingPeriods.')
param criterion object

@description('How often the query runs (ISO 8601 duration).')
param evaluationFrequency string

@description('How far back the query looks (ISO 8601 duration, at most P2D).')
param windowSize string

@description('True: the alert resolves by itself.')
param autoMitigate bool

@description('Name-value pairs added to every notification; values may use the alert\'s own fields.')
param customProperties object

@description('Resource id of the identity that runs the query.')
param identityId string

@description('Resource id of the workspace.')
param workspaceId string

@description('Resource id of the action group.')
param actionGroupId string

@description('Tags of every resource.')
param tags object

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: ruleName
  location: location
  tags: tags
  kind: 'LogAlert'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    displayName: displayName
    description: ruleDescription
    severity: severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: evaluationFrequency
    windowSize: windowSize
    autoMitigate: autoMitigate
    checkWorkspaceAlertsStorageConfigured: false
    // New tables have no rows and new roles take minutes to spread: the service would refuse today a query that works tomorrow.
    skipQueryValidation: true
    criteria: {
      allOf: [
        union(criterion, {
          query: query
        })
      ]
    }
    actions: {
      actionGroups: [
        actionGroupId
      ]
      customProperties: customProperties
    }
  }
}

@description('Resource id of the rule.')
output ruleId string = rule.id
