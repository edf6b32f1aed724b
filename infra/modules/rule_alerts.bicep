// Alert from the activity log about the alert rules themselves: one fails. That one was changed is in activity_alerts.bicep.

@description('Start of the name of the alert.')
param namePrefix string

@description('Where docs/operations.md is.')
param runbook string

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags object

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: actionGroupName
}

// Azure knows the health of those rules alone that are evaluated every 15 minutes or more often.
resource unhealthy 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: '${namePrefix}rules-unhealthy'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    description: 'A log search alert rule of the installation fails, or its state is not known: what it watches alerts nobody. See ${runbook}#an-alert-rule-is-unhealthy'
    scopes: [
      resourceGroup().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'ResourceHealth'
        }
        {
          field: 'resourceType'
          equals: 'Microsoft.Insights/scheduledQueryRules'
        }
        {
          anyOf: [
            {
              field: 'properties.currentHealthStatus'
              equals: 'Degraded'
            }
            {
              field: 'properties.currentHealthStatus'
              equals: 'Unavailable'
            }
            {
              field: 'properties.currentHealthStatus'
              equals: 'Unknown'
            }
          ]
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: actionGroup.id
        }
      ]
    }
  }
}
